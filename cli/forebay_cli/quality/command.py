"""`forebay quality`."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Annotated

import typer

from forebay_cli.console import Output, give_up, print_json, stderr, stdout
from forebay_cli.quality.report import SECTIONS, set_up
from forebay_models import EncoderError
from forebay_models.build.corpora.documents import DocumentsDiffer
from forebay_models.build.corpora.packages import PackageMissing

DATA = "FOREBAY_DATA"


def quality(
    out: Annotated[Path, typer.Option(help="Folder for the report and its charts.")] = Path("build/quality"),
    work: Annotated[Path, typer.Option(help="Vectors are kept here between runs.")] = Path("build/models"),
    data: Annotated[Path | None, typer.Option(help=f"Data folder. [default: ${DATA} or ../shared/data]")] = None,
    only: Annotated[list[str] | None, typer.Option(help=f"Sections: {', '.join(SECTIONS)}; repeatable.")] = None,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="json: where the report is, and the seconds of each section.")
    ] = Output.table,
) -> None:
    """Measure every shipped signal on public data; writes a report with tables and charts.

    Examples:

        forebay quality

        forebay quality --only injection --only pii --out /tmp/report
    """
    chosen = only or list(SECTIONS)
    if unknown := [name for name in chosen if name not in SECTIONS]:
        give_up(f"--only {unknown[0]}: there are {', '.join(SECTIONS)}")
    folder = data or Path(os.environ.get(DATA, "../shared/data"))
    if not folder.is_dir():
        give_up(f"{folder} is no folder; name it with --data or ${DATA}")
    seconds = dict[str, float]()
    try:
        bench = set_up(folder, work, out)
        lines = [
            "# Quality",
            "",
            f"Measured on {platform.machine()} with `forebay quality`; how to read it: docs/models.md.",
        ]
        lines += [
            "95 % intervals in brackets; `fold` models do not ship and have not seen what they are measured on.",
            "",
        ]
        for name in chosen:
            started = time.monotonic()
            lines += [f"## {name}", *SECTIONS[name](bench), ""]
            seconds[name] = round(time.monotonic() - started, 1)
            stderr().print(f"{name}: {seconds[name]:.0f} s", markup=False)
    except (PackageMissing, DocumentsDiffer) as error:
        give_up(f"{error}; only the section injection needs packages: --only leaves it out")
    except (OSError, EncoderError) as error:
        give_up(str(error))
    report = out / "report.md"
    report.write_text("\n".join(lines), encoding="utf-8")
    if output is Output.json:
        print_json({"report": str(report), "seconds": seconds})
    else:
        stdout().print(f"wrote {report}", markup=False)
