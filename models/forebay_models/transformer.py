"""all-MiniLM-L6-v2 with int8 weights on onnxruntime: the encoder for signals that must understand a paraphrase.

The graph (see `build/graph.py`) takes one text and returns its pooled unit vector. Texts are never batched: the int8
kernels scale activations by the tensor's extremes, so in a batch a row would depend on its neighbours.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from forebay_models.cut import cut_middle
from forebay_models.wordpiece import FILE_NAME as TOKENIZER
from forebay_models.wordpiece import FRAME_END, FRAME_START, WordPiece

MODEL = "transformer.int8.onnx"
DIMENSIONS = 384
DEFAULT_TOKENS = 256
POSITIONS = 512
FRAME = 2
# English has 4 to 5 characters a token. The middle of a longer text is dropped before tokenising, which bounds that step.
CHARACTERS_PER_TOKEN = 16


# Its type hints leave out the names its documentation gives.
ort: Any = onnxruntime


class Session(Protocol):
    """The one method of onnxruntime's InferenceSession that is used; safe to call from many threads."""

    def run(self, names: None, inputs: dict[str, NDArray[np.int64]]) -> list[NDArray[np.float32]]:
        """`input_ids` [1, tokens] to one `embedding` [1, 384]."""


def open_session(model: Path) -> Session:
    """A session for many threads at once, each run on its caller's thread: no pool, so nothing spins on Envoy's cores."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    # Patterns are kept per input shape; with up to 512 lengths they cost memory and save no measurable time.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    session: Session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return session


class Transformer:
    """See `Encoder`. 384 dimensions; 256 tokens unless told (3 to 512), the two frame tokens included.

    Of a longer text the head and the tail are read, `max_tokens` / 2 tokens each, and at most 16 characters for each of
    them: prompts state their task at either end. On one 2020s server core 1.5 ms at 20 tokens, 5 ms at 100, 25 ms at 400
    (the card has the figures of the last build). Runs release the GIL. Memory: the weights once, and about 10 MiB of scratch per thread that encodes 512 tokens.
    """

    name: Literal["Transformer"] = "Transformer"
    dimensions = DIMENSIONS
    max_tokens = DEFAULT_TOKENS

    def __init__(self, folder: Path, *, digest: str, model: str = MODEL) -> None:
        self.digest = digest
        self._wordpiece = WordPiece(folder / TOKENIZER)
        self._session = open_session(folder / model)

    def encode(self, texts: Sequence[str], *, max_tokens: int | None = None) -> NDArray[np.float32]:
        cap = self.max_tokens if max_tokens is None else max_tokens
        if not FRAME < cap <= POSITIONS:
            raise ValueError(f"max_tokens: {cap} is outside 3..{POSITIONS}; choose a value the model has positions for")
        rows = np.zeros((len(texts), DIMENSIONS), np.float32)
        for row, text in enumerate(texts):
            pieces = self._wordpiece.encode(cut_middle(text, cap * CHARACTERS_PER_TOKEN))
            if pieces:
                ids = np.array([[FRAME_START, *cut_middle(pieces, cap - FRAME), FRAME_END]], np.int64)
                rows[row] = self._session.run(None, {"input_ids": ids})[0]
        return rows
