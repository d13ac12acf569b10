"""What ships is what the manifest names, and nothing else is served."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from forebay_models import ArtefactError, load_encoder
from forebay_models.load import ARTEFACTS
from forebay_models.manifest import FILE_NAME, hash_file, read_manifest

KINDS = ["Static", "Transformer"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the artefacts that a test may spoil."""
    return Path(shutil.copytree(ARTEFACTS, tmp_path / "artefacts"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_shipped_file_has_the_digest_of_the_manifest(kind):
    files = read_manifest(ARTEFACTS).encoders[kind].files
    assert {name: hash_file(ARTEFACTS / name) for name in files} == files


def test_the_artefacts_together_stay_below_35_million_bytes():
    assert sum(path.stat().st_size for path in ARTEFACTS.iterdir()) <= 35_000_000


@pytest.mark.parametrize("kind", KINDS)
def test_each_card_names_the_digest_of_the_encoder_that_ships(kind):
    card = (ARTEFACTS / f"{kind.lower()}.md").read_text(encoding="utf-8")
    assert read_manifest(ARTEFACTS).encoders[kind].digest in card


@pytest.mark.parametrize("kind", KINDS)
def test_an_artefact_with_one_altered_byte_is_refused_by_name(folder, kind):
    for name in read_manifest(folder).encoders[kind].files:
        path = folder / name
        original = path.read_bytes()
        path.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
        with pytest.raises(ArtefactError, match=name):
            load_encoder(kind, folder=folder)
        path.write_bytes(original)


def test_a_missing_artefact_is_refused_and_the_message_says_what_to_do(folder):
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ArtefactError, match=r"tokenizer\.json: No such file.*reinstall forebay"):
        load_encoder("Static", folder=folder)


@pytest.mark.parametrize("content", ["", "{}", '{"encoders": {"Static": 1}}', '{"encoders": {}, "extra": 1}'])
def test_a_manifest_of_another_shape_is_refused(folder, content):
    (folder / "manifest.json").write_text(content)
    with pytest.raises(ArtefactError, match=r"manifest\.json"):
        load_encoder("Static", folder=folder)


def test_a_manifest_without_the_encoder_is_refused(folder):
    (folder / "manifest.json").write_text('{"encoders": {}}')
    with pytest.raises(ArtefactError, match="no Static encoder"):
        load_encoder("Static", folder=folder)


def test_importing_the_package_loads_neither_numpy_nor_the_recipe():
    code = (
        "import sys, forebay_models\n"
        "heavy = ('numpy', 'onnxruntime', 'tokenizers', 'onnx', 'forebay_models.build')\n"
        "print(*(name for name in heavy if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("kind", KINDS)
def test_loading_an_encoder_does_not_import_the_recipe(kind):
    code = (
        "import sys, forebay_models\n"
        f"forebay_models.load_encoder({kind!r}).encode(['x'])\n"
        "print(*(name for name in ('onnx', 'safetensors', 'forebay_models.build') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_bare_process_with_the_encoder_stays_below_150_mebibytes(kind):
    code = (
        "import forebay_models\n"
        f"forebay_models.load_encoder({kind!r}).encode(['a word ' * 400])\n"
        "lines = open('/proc/self/status').read().splitlines()\n"
        "print(next(line.split()[1] for line in lines if line.startswith('VmRSS')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) / 1024 <= 150


def test_a_build_of_the_same_encoders_keeps_the_heads_listed_and_one_of_others_does_not(folder):
    build = pytest.importorskip("forebay_models.build.__main__")
    before = read_manifest(folder)
    build.write_manifest(folder, before.encoders)
    assert read_manifest(folder) == before
    build.write_manifest(folder, {"Static": before.encoders["Static"]})
    assert read_manifest(folder).heads == {}
    (folder / FILE_NAME).write_text("{", encoding="utf-8")
    build.write_manifest(folder, before.encoders)
    assert read_manifest(folder).encoders == before.encoders
