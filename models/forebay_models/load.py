"""The one way to an encoder: digests first, then the libraries, then the model."""

import importlib.util
from pathlib import Path

from forebay_models.encoder import Encoder, EncoderKind
from forebay_models.errors import ArtefactError, MissingExtraError
from forebay_models.manifest import FIX, read_manifest, verify_files

ARTEFACTS = Path(__file__).parent / "artefacts"
LIBRARIES: dict[EncoderKind, tuple[str, ...]] = {
    "Static": ("numpy", "tokenizers"),
    "Transformer": ("numpy", "tokenizers", "onnxruntime"),
}


def load_encoder(kind: EncoderKind, *, folder: Path = ARTEFACTS) -> Encoder:
    """Loads the encoder that a policy calls `kind`; about 0.2 s with warm files, the libraries' import included.

    `folder` holds the artefacts and their manifest; the shipped ones unless told. Each call makes a new instance: a
    process loads one of a kind and shares it.

    Raises ArtefactError (a file is missing or altered) or MissingExtraError (a library is not installed).
    """
    absent = [name for name in LIBRARIES[kind] if importlib.util.find_spec(name) is None]
    if absent:
        raise MissingExtraError(f"the {kind} encoder needs {', '.join(absent)}; install forebay[encoders]")
    entry = read_manifest(folder).encoders.get(kind)
    if entry is None:
        raise ArtefactError(f"{folder}: the manifest has no {kind} encoder; {FIX}")
    verify_files(folder, entry)
    # Imported here: only a process that encodes pays for these libraries.
    if kind == "Static":
        from forebay_models.static import Static

        return Static(folder, digest=entry.digest)
    from forebay_models.transformer import Transformer

    return Transformer(folder, digest=entry.digest)
