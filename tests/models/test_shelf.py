"""Two encoders in one process: a head of a former release has the encoder it was trained on, within bounds."""

from __future__ import annotations

import gc
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from forebay_models.errors import ArtefactError
from forebay_models.load import ARTEFACTS, load_encoder
from forebay_models.manifest import FILE_NAME, hash_file, read_manifest
from forebay_models.shelf import Shelf
from forebay_models.static import SCALES, TABLE
from forebay_models.wordpiece import FILE_NAME as TOKENIZER


def a_former_release(folder: Path, name: str, factor: float) -> str:
    """A static encoder whose vectors differ from the shipped one's, in `encoders/name`; its digest."""
    place = folder / "encoders" / name
    place.mkdir(parents=True)
    for file in (TOKENIZER, TABLE):
        shutil.copy(ARTEFACTS / file, place)
    scales = np.load(ARTEFACTS / SCALES)
    scales *= np.linspace(1, factor, len(scales), dtype=scales.dtype).reshape(-1, *[1] * (scales.ndim - 1))
    np.save(place / SCALES, scales)
    manifest = read_manifest(ARTEFACTS)
    entry = msgspec.structs.replace(
        manifest.encoders["Static"], files={each: hash_file(place / each) for each in (TOKENIZER, TABLE, SCALES)}
    )
    content = msgspec.json.encode(msgspec.structs.replace(manifest, encoders={"Static": entry}, heads={}))
    (place / FILE_NAME).write_bytes(content)
    return entry.digest


def test_a_former_releases_encoder_is_found_by_its_digest_beside_the_releases_own(tmp_path: Path) -> None:
    digest = a_former_release(tmp_path, "v1", 2.0)
    shelf = Shelf(folder=tmp_path)
    own, former = shelf.get("Static"), shelf.get("Static", digest)
    assert (own.digest, former.digest) == (load_encoder("Static").digest, digest)
    assert not np.array_equal(own.encode(["a text"]), former.encode(["a text"]))
    assert shelf.get("Static", digest) is former
    assert shelf.get("Static") is own


@pytest.mark.parametrize("folder", [None, "there", "empty"])
def test_where_no_encoder_has_the_digest_the_releases_own_is_given(tmp_path: Path, folder: str | None) -> None:
    if folder == "there":
        a_former_release(tmp_path, "v1", 2.0)
    shelf = Shelf(folder=tmp_path if folder else None)
    assert shelf.get("Static", "sha256:" + "0" * 64) is shelf.get("Static")


def test_a_third_encoder_is_refused_until_the_second_is_out_of_use(tmp_path: Path) -> None:
    first, second = a_former_release(tmp_path, "v1", 2.0), a_former_release(tmp_path, "v2", 3.0)
    shelf = Shelf(folder=tmp_path)
    former = shelf.get("Static", first)
    with pytest.raises(ArtefactError, match=r"v2: a third Static encoder.*forebay train"):
        shelf.get("Static", second)
    assert shelf.get("Static", first) is former
    del former
    gc.collect()
    assert shelf.get("Static", second).digest == second


def test_an_altered_former_encoder_is_refused(tmp_path: Path) -> None:
    digest = a_former_release(tmp_path, "v1", 2.0)
    with (tmp_path / "encoders/v1" / SCALES).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ArtefactError, match="digest is"):
        Shelf(folder=tmp_path).get("Static", digest)
