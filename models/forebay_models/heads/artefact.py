"""A head on disk: one `.head` file, a zip of a manifest and arrays, named by the digest of its bytes.

One file, so that one digest says all, and small: a head of 150 labels takes 230 kB. Nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from forebay_models.errors import ArtefactError
from forebay_models.heads.head import FORMAT, Head, HeadManifest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIX: Final = ".head"
LARGEST: Final = 8 << 20
MANIFEST: Final = "manifest.json"
PIECES: Final = ("piece0", "piecebias0", "piece", "piecebias")
ARRAYS: Final = ("narrow", "weight0", "bias0", "weight", "bias", "knots", *PIECES)
LATER: Final = ("wording", "pieces", "results_threshold")
"""Fields that earlier releases of this format do not know: written only where they say something, so that those read the rest."""
# A zip holds times; a fixed one makes the same head the same bytes.
EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def pack_head(manifest: HeadManifest, arrays: Mapping[str, NDArray[np.float32]]) -> bytes:
    """The file's bytes; the same head gives the same bytes."""
    import numpy as np

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        fields = {name: value for name, value in msgspec.to_builtins(manifest).items() if name not in LATER or value}
        text = msgspec.json.format(msgspec.json.encode(fields), indent=2)
        file.writestr(zipfile.ZipInfo(MANIFEST, EPOCH), text)
        for name in ARRAYS:
            if name in arrays:
                part = io.BytesIO()
                np.save(part, np.ascontiguousarray(arrays[name], np.float32), allow_pickle=False)
                file.writestr(zipfile.ZipInfo(f"{name}.npy", EPOCH), part.getvalue())
    return buffer.getvalue()


def unpack_head(content: bytes, where: str, expected: str | None = None) -> Head:
    """The head; ArtefactError where the bytes are not those of `expected`, or no head of this format."""
    import numpy as np

    found = digest_of(content)
    if expected is not None and found != expected:
        raise ArtefactError(f"{where}: digest is {found}, expected {expected}; train again, or correct the digest")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            if sum(entry.file_size for entry in file.infolist()) > 2 * LARGEST:
                raise ArtefactError(f"{where}: larger than {2 * LARGEST} bytes unpacked; train with fewer labels")
            manifest = msgspec.json.decode(file.read(MANIFEST), type=HeadManifest)
            names = [name for name in ARRAYS if f"{name}.npy" in file.namelist()]
            arrays = {name: np.load(io.BytesIO(file.read(f"{name}.npy")), allow_pickle=False) for name in names}
    except (zipfile.BadZipFile, KeyError, ValueError, msgspec.MsgspecError) as error:
        raise ArtefactError(f"{where}: not a head ({error}); make it with `forebay train`") from None
    if manifest.format != FORMAT:
        raise ArtefactError(f"{where}: format {manifest.format}, this version reads {FORMAT}; train again")
    _check_shapes(manifest, arrays, where)
    return Head(manifest, arrays, found)


def _check_shapes(manifest: HeadManifest, arrays: Mapping[str, NDArray[np.float32]], where: str) -> None:
    outputs = 1 if manifest.choice == "Binary" else len(manifest.labels)
    weight, bias = arrays.get("weight"), arrays.get("bias")
    fits = (
        weight is not None
        and bias is not None
        and weight.ndim == 2
        and weight.shape[1] == outputs
        and bias.shape == (outputs,)
        and (manifest.choice != "Binary" or len(manifest.labels) == 2)
        and _layer_fits(arrays, len(weight))
        and _pieces_fit(manifest, arrays)
    )
    if not fits:
        raise ArtefactError(f"{where}: its arrays do not fit its {len(manifest.labels)} labels; train again")


def _layer_fits(arrays: Mapping[str, NDArray[np.float32]], units: int) -> bool:
    """Whether a hidden layer, where there is one, has as many units as the weights behind it, and as many inputs as there are
    columns before it, where it is told."""
    weight, bias, before = arrays.get("weight0"), arrays.get("bias0"), arrays.get("narrow")
    if weight is None or bias is None:
        return weight is bias and before is None
    if before is not None and before.shape[1:] != weight.shape[:1]:
        return False
    return weight.ndim == 2 and weight.shape[1] == units and bias.shape == (units,)


def _pieces_fit(manifest: HeadManifest, arrays: Mapping[str, NDArray[np.float32]]) -> bool:
    """Whether what reads pieces is there where the manifest says so, and leads from rows to one number."""
    shapes = [arrays[name].shape for name in PIECES if name in arrays]
    if not manifest.pieces:
        return not shapes
    return (
        len(shapes) == len(PIECES) and len(shapes[0]) == 2 and shapes[1:] == [shapes[0][1:], (*shapes[0][1:], 1), (1,)]
    )


def read_head(path: Path, expected: str | None = None) -> Head:
    """Raises ArtefactError naming the file: missing, too large, altered, or no head."""
    try:
        if path.stat().st_size > LARGEST:
            raise ArtefactError(f"{path}: larger than {LARGEST} bytes; train with fewer labels")
        return unpack_head(path.read_bytes(), str(path), expected)
    except OSError as error:
        raise ArtefactError(f"{path}: {error.strerror}; put the file there, or correct the path") from error
