"""`forebay train FILE` and `forebay calibrate MODEL FILE`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from forebay_cli.console import Output, give_up, print_json, stderr, stdout
from forebay_models import EncoderError, load_encoder

if TYPE_CHECKING:
    from forebay_models.heads.fit import Floats
    from forebay_models.heads.head import HeadManifest, Reading
    from forebay_models.heads.train import Encoders, Report

ASKS = "asks"
"""What models on derived labels read; no model by itself."""
CARD = "Written by `forebay train`"
MARKED = 4096
"""Letters of a file that tell whether it is a card."""
NAME = re.compile(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")


def train(
    file: Annotated[Path, typer.Argument(help="CSV with the columns text and label, or JSON lines (.jsonl).")],
    out: Annotated[Path | None, typer.Option(help="Artefact to write. [default: FILE with the ending .head]")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model. [default: the artefact's]")] = None,
    several: Annotated[
        bool, typer.Option("--several", help="A text may have several labels, split at |, or none.")
    ] = False,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="table for people, json for machines.")
    ] = Output.table,
) -> None:
    """Fit a model of your own on the shared encoder; writes an artefact and its card, and says how a policy names it.

    Examples:

        forebay train tickets.csv

        forebay train topics.csv --several --out policies/topics.head
    """
    # Before numpy: threads of the small products here wait for one another more than they compute, on a busy machine ten
    # times as long; and with one, the same rows give the same bytes.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from forebay_cli.train.rows import read_examples
    from forebay_models.heads.artefact import SUFFIX, digest_of, pack_head
    from forebay_models.heads.card import write_card
    from forebay_models.heads.train import TrainingError, check
    from forebay_models.heads.train import train as train_head

    target = out or file.with_suffix(SUFFIX)
    title = name or target.stem.lower().replace("_", "-").replace(" ", "-")
    if not NAME.match(title):
        give_up(f"--name {title!r}: lower-case letters, digits, '-' and '.' only")
    card = target.with_suffix(".md")
    _check_place(target)
    if card.exists() and CARD not in card.read_text(encoding="utf-8", errors="replace")[:MARKED]:
        give_up(
            f"{card} is there and no model's card: name another place with --out, since the card goes beside the model"
        )
    try:
        examples = read_examples(file, several=several)
        check(examples)
        encoders = _encoders()
        manifest, arrays, report = train_head(title, examples, _read(encoders, examples.texts), encoders)
        content = pack_head(manifest, arrays)
        _write(target, content)
        digest = digest_of(content)
        _write(card, write_card(manifest, report, digest, file.name).encode())
    except (TrainingError, EncoderError) as error:
        give_up(str(error))
    except OSError as error:
        give_up(f"{error.filename or file}: {error.strerror}")
    _tell(manifest, report, target, digest, output)


def calibrate(
    model: Annotated[str, typer.Argument(help="An artefact, or the name of a model that ships.")],
    file: Annotated[
        Path, typer.Argument(help="CSV with the columns text and label, or JSON lines (.jsonl): none trained on.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write the model with its new thresholds here, as an artefact of your own.")
    ] = None,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="table for people, json for machines.")
    ] = Output.table,
) -> None:
    """Set a model's temperature and thresholds from labelled texts of your own traffic.

    Examples:

        forebay calibrate injection ours.csv

        forebay calibrate tickets.head january.jsonl --out tickets-january.head
    """
    import numpy as np

    from forebay_cli.train.rows import read_examples
    from forebay_models.heads.artefact import SUFFIX, digest_of, pack_head, read_head
    from forebay_models.heads.library import Library
    from forebay_models.heads.train import TrainingError, recalibrate
    from forebay_models.heads.unmask import unmask
    from forebay_models.load import ARTEFACTS
    from forebay_models.manifest import read_manifest

    if out is not None:
        _check_place(out)
    shipped = [name for name in read_manifest(ARTEFACTS).heads if name != ASKS]
    if not model.endswith(SUFFIX) and model not in shipped:
        give_up(
            f"{model!r} cannot be calibrated: name an artefact (*{SUFFIX}) or one of {', '.join(sorted(shipped))}; "
            "the other models that ship have no thresholds of their own"
        )
    try:
        head = read_head(Path(model)) if model.endswith(SUFFIX) else Library().ship(model)
        examples = read_examples(file, several=head.manifest.choice == "Several")
        encoders = _encoders()
        if head.manifest.encoder != encoders.transformer.digest:
            give_up(f"{model} was trained on another encoder: run `forebay train` again")
        described = [head.describe(text) for text in examples.texts]
        surfaces = np.stack([each for each in described if each is not None]) if head.manifest.surface else None
        plain = tuple(unmask(text) for text in examples.texts) if head.manifest.unmask else examples.texts
        reading = _read(encoders, plain, surfaces)
        rows = [head.look_up(text, encoders.static) for text in plain]
        words = np.stack([row for row in rows if row is not None]) if head.manifest.static else None
        added = [head.weigh_pieces(text, encoders.static, row) for text, row in zip(plain, rows, strict=True)]
        pieces = np.stack([each for each in added if each is not None]) if head.manifest.pieces else None
        reading = reading._replace(static=words, pieces=pieces)
        manifest, arrays, report = recalibrate(head, examples, reading, rescale=out is not None)
        digest = ""
        if out is not None:
            content = pack_head(manifest, arrays)
            _write(out, content)
            digest = digest_of(content)
    except (TrainingError, EncoderError) as error:
        give_up(str(error))
    except OSError as error:
        give_up(f"{error.filename or file}: {error.strerror}")
    _tell(manifest, report, out, digest, output)


def _encoders() -> Encoders:
    from forebay_models.heads.train import Encoders

    return Encoders(load_encoder("Transformer"), load_encoder("Static"))


def _read(encoders: Encoders, texts: tuple[str, ...], surfaces: Floats | None = None) -> Reading:
    console = stderr()
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading texts", total=len(texts))
        return encoders.read(texts, surfaces, lambda done: progress.update(task, completed=done))


def _check_place(target: Path) -> None:
    """Before a minute's work, not after."""
    if not target.parent.is_dir():
        give_up(f"{target}: there is no directory {target.parent}: make it, or name another place with --out")


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


def _tell(manifest: HeadManifest, report: Report, target: Path | None, digest: str, output: Output) -> None:
    if output is Output.json:
        print_json(
            {
                "artifact": str(target) if target else None,
                "digest": digest or None,
                "labels": manifest.labels,
                "threshold": manifest.threshold,
                "temperature": manifest.temperature,
                "score": report.score,
                "interval": [report.low, report.high],
                "calibrationError": report.calibration_error,
            }
        )
        return
    console = stdout()
    measure = "F1" if manifest.choice == "Several" else "accuracy"
    console.print(
        f"{manifest.name}: {len(manifest.labels)} labels, {report.rows} texts, {measure} {report.score:.3f} "
        f"({report.low:.3f} to {report.high:.3f}), calibration error {report.calibration_error:.3f}, "
        f"threshold {manifest.threshold}",
        markup=False,
    )
    if target is None:
        console.print(f"policy: threshold: {manifest.threshold}", markup=False)
        return
    console.print(f"wrote {target}. A policy beside it names it:", markup=False)
    console.print(
        f"  signals:\n  - name: {re.sub('[^a-z0-9]', '_', manifest.name)}\n    classifier:\n      artifact:\n"
        f"        path: {target.name}\n        digest: {digest}",
        markup=False,
    )
