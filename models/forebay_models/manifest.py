"""The list of shipped files with their digests: a truncated checkout or a patched model is refused, not served.

The manifest guards against accidents and mixed versions. It does not stand against somebody who can write the folder,
for they can write the manifest too.
"""

import hashlib
from pathlib import Path

import msgspec

from forebay_models.encoder import EncoderKind
from forebay_models.errors import ArtefactError

FILE_NAME = "manifest.json"
FIX = "reinstall forebay, or remake the artefacts with `python -m forebay_models.build`"


class EncoderEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One encoder: its vectors' width and the files (name to `sha256:...`) they depend on."""

    dimensions: int
    files: dict[str, str]

    @property
    def digest(self) -> str:
        """The digest of the file digests, in the order of the file names."""
        lines = "".join(f"{name} {digest}\n" for name, digest in sorted(self.files.items()))
        return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`manifest.json` as the build writes it. `heads`: name to the digest of `heads/<name>.head`."""

    encoders: dict[EncoderKind, EncoderEntry]
    heads: dict[str, str] = {}


def hash_file(path: Path) -> str:
    """`sha256:` and the hex digest of the file's bytes. Raises OSError."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Raises ArtefactError where the manifest is missing or not of this shape."""
    path = folder / FILE_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise ArtefactError(f"{path}: {error.strerror}; {FIX}") from error
    except msgspec.DecodeError as error:
        raise ArtefactError(f"{path}: {error}; {FIX}") from error


def verify_files(folder: Path, entry: EncoderEntry) -> None:
    """Raises ArtefactError naming the first file whose bytes are not the manifest's."""
    for name, expected in entry.files.items():
        path = folder / name
        try:
            found = hash_file(path)
        except OSError as error:
            raise ArtefactError(f"{path}: {error.strerror}; {FIX}") from error
        if found != expected:
            raise ArtefactError(f"{path}: digest is {found}, manifest says {expected}; {FIX}")
