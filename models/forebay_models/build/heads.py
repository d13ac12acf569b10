"""The heads that ship: made, written beside the encoders, measured and described."""

from pathlib import Path

import msgspec

from forebay_models.build.classifiers import asks, difficulty, domain, injection, intents
from forebay_models.build.classifiers.card import write_card, write_trained
from forebay_models.build.classifiers.finding import Finding, table
from forebay_models.build.classifiers.made import Made
from forebay_models.build.corpora.documents import read_documents
from forebay_models.build.mixture import Material, read_material
from forebay_models.build.stages import write_atomically
from forebay_models.build.vectors import Vectors
from forebay_models.heads.artefact import SUFFIX, digest_of, pack_head
from forebay_models.heads.library import FOLDER
from forebay_models.load import load_encoder
from forebay_models.manifest import FILE_NAME, read_manifest


def make_all(material: Material, vectors: Vectors) -> dict[str, Made]:
    """Every shipped head by name."""
    return {
        "domain": domain.make(material, vectors),
        "injection": injection.make(material, vectors),
        "difficulty": difficulty.make(material, vectors),
        "asks": asks.make(asks.rows_of(material), vectors),
    }


def make_folds(material: Material, vectors: Vectors) -> dict[str, Made]:
    """The injection heads that have not seen a source; they measure and never ship."""
    return {fold: injection.make(material, vectors, fold) for fold in ("a", "b")}


def write_heads(out: Path, made: dict[str, Made]) -> dict[str, str]:
    """Writes the files and the manifest; the digests by name."""
    (out / FOLDER).mkdir(exist_ok=True)
    digests = {}
    for name, each in made.items():
        content = pack_head(each.manifest, each.arrays)
        write_atomically(out / FOLDER / f"{name}{SUFFIX}", content)
        digests[name] = digest_of(content)
    manifest = msgspec.structs.replace(read_manifest(out), heads=digests)
    content = msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=2)
    write_atomically(out / FILE_NAME, content + b"\n")
    return digests


def measure_heads(data: Path, material: Material, vectors: Vectors, made: dict[str, Made]) -> dict[str, list[Finding]]:
    """Findings by head, and under `trained` those of heads of one's own."""
    return {
        "domain": domain.measure(material, vectors, made["domain"])[0],
        "injection": injection.measure(data, material, vectors, made["injection"], make_folds(material, vectors))[0],
        "difficulty": difficulty.measure(material, vectors)[0],
        "asks": asks.measure(asks.rows_of(material), vectors, made["asks"]),
        "trained": [f for each in (material.clinc, material.banking) for f in intents.measure(each, vectors)[0]],
    }


def build_heads(out: Path, work: Path, data: Path, *, cards: bool) -> None:
    """Makes and writes every head; with `cards`, measures them, prints the tables and writes the cards."""
    vectors = Vectors(work, load_encoder("Transformer", folder=out))
    material = read_material(data, read_documents(work / "packages"))
    made = make_all(material, vectors)
    digests = write_heads(out, made)
    if not cards:
        return
    found = measure_heads(data, material, vectors, made)
    curves = {
        "injection": injection.learning_curve(data, material, vectors),
        "domain": domain.learning_curve(material, vectors),
        "difficulty": difficulty.learning_curve(material, vectors),
    }
    for name, each in made.items():
        print("\n".join(table(found[name])))
        size = (out / FOLDER / f"{name}{SUFFIX}").stat().st_size
        card = write_card(each, digests[name], size, found[name], curves.get(name, []))
        write_atomically(out / FOLDER / f"{name}.md", card.encode())
    lines = write_trained(found["trained"], intents.learning_curve(material.clinc, vectors))
    write_atomically(out / FOLDER / "trained.md", lines.encode())
    print("\n".join(table(found["trained"])))
