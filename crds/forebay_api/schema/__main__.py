"""``python -m forebay_api.schema --out DIR``: write the CRDs and the reference, or check that they are up to date.

`--chart DIR` takes a copy of the CRDs alone: Helm packages only what lies inside of a chart."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from forebay_api.base import GROUP
from forebay_api.schema.definition import render_definition
from forebay_api.schema.kinds import KINDS
from forebay_api.schema.reference import render_reference


def generated_definitions() -> dict[str, str]:
    """File name -> CRD."""
    return {f"{GROUP}_{kind.plural}.yaml": render_definition(kind) for kind in KINDS.values()}


def generated_files() -> dict[str, str]:
    """File name -> content of everything that is generated from the contract."""
    return generated_definitions() | {"REFERENCE.md": render_reference()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 1 where `--check` found a file that differs, and prints how."""
    parser = argparse.ArgumentParser(prog="python -m forebay_api.schema", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="directory of the generated files")
    parser.add_argument("--chart", type=Path, help="directory that gets a copy of the CRDs")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 and a diff if a file is stale")
    options = parser.parse_args(arguments)
    step = _check if options.check else _write
    status = step(options.out, generated_files())
    return max(status, step(options.chart, generated_definitions())) if options.chart else status


def _write(out: Path, files: Mapping[str, str]) -> int:
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_text(content, encoding="utf-8")
    return 0


def _check(out: Path, files: Mapping[str, str]) -> int:
    stale = 0
    for name, content in files.items():
        path = out / name
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        if found != content:
            stale = 1
            before, after = found.splitlines(keepends=True), content.splitlines(keepends=True)
            sys.stdout.writelines(difflib.unified_diff(before, after, fromfile=str(path), tofile="generated"))
    if stale:
        sys.stdout.write("Generated files are stale: run `make generate`.\n")
    return stale


if __name__ == "__main__":
    sys.exit(main())
