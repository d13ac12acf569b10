"""Labelled texts from a file: CSV with the columns text and label, or JSON lines with those members."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import msgspec

from forebay_models.heads.train import Examples, TrainingError

LARGEST_BYTES = 256 << 20
LARGEST_TEXT = 1 << 20
SEPARATOR = "|"
LINES = (".jsonl", ".ndjson")
"""Endings of files of JSON lines; all others are CSV."""


class Line(msgspec.Struct):
    """`label` is one label, or a list of them."""

    text: str
    label: str | list[str]


def read_examples(path: Path, *, several: bool) -> Examples:
    """Raises TrainingError naming the line, OSError where the file cannot be read.

    With `several`, a CSV cell holds any number of labels, split at `|`, none included.
    """
    if path.stat().st_size > LARGEST_BYTES:
        raise TrainingError(f"{path}: larger than {LARGEST_BYTES >> 20} MiB; sample it")
    if path.suffix == ".json":
        raise TrainingError(f"{path}: of JSON one object a line is read, from a file that ends in {' or '.join(LINES)}")
    texts: list[str] = []
    labels: list[tuple[str, ...]] = []
    lines = _json_lines(path) if path.suffix in LINES else _csv_rows(path)
    for number, text, label in lines:
        names = (
            [label]
            if isinstance(label, str) and not several
            else label
            if isinstance(label, list)
            else label.split(SEPARATOR)
        )
        found = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
        if len(found) != 1 and not several:
            raise TrainingError(
                f"{path}, line {number}: expected one label; use --several where there may be more or none"
            )
        texts.append(text[:LARGEST_TEXT])
        labels.append(found)
    if not texts:
        raise TrainingError(f"{path}: no rows")
    return Examples(tuple(texts), tuple(labels), several)


def _csv_rows(path: Path) -> Iterator[tuple[int, str, str]]:
    csv.field_size_limit(LARGEST_TEXT)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        try:
            names = reader.fieldnames or ()
            if not {"text", "label"} <= set(names):
                found = ", ".join(repr(name[:40]) for name in names[:8]) or "nothing"
                raise TrainingError(
                    f"{path}: the first line must name the columns text and label, separated by commas; it names {found}"
                )
            for row in reader:
                text, label = row["text"] or "", row["label"] or ""
                if text.strip() or label.strip():  # spreadsheets end in rows of commas
                    yield reader.line_num, text, label
        except csv.Error as error:
            raise TrainingError(f"{path}, line {reader.line_num}: {error}") from None
        except UnicodeDecodeError:
            raise TrainingError(f"{path}: not UTF-8; convert it") from None


def _json_lines(path: Path) -> Iterator[tuple[int, str, str | list[str]]]:
    decoder = msgspec.json.Decoder(Line)
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    row = decoder.decode(line)
                except msgspec.MsgspecError as error:
                    raise TrainingError(f"{path}, line {number}: {error}") from None
                yield number, row.text, row.label
