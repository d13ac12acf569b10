"""Generated files: written by `make generate`, compared by `make check`."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType


def write_or_check(
    prog: str,
    description: str,
    files: Mapping[str, str],
    arguments: Sequence[str] | None,
    *,
    copies: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> int:
    """Name -> content into the directory that `--out` names, and those of `copies` into that of the option of their name.
    Exit status: 1 where `--check` found a file that differs, and prints how."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--out", type=Path, required=True, help="directory of the generated files")
    for name in copies:
        parser.add_argument(f"--{name}", type=Path, help="directory that gets a copy of some of them")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 and a diff if a file is stale")
    options = parser.parse_args(arguments)
    step = _check if options.check else _write
    wanted = [(options.out, files), *((getattr(options, name), copied) for name, copied in copies.items())]
    return max(step(out, content) for out, content in wanted if out is not None)


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
