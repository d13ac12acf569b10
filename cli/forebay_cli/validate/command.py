"""`forebay validate PATH...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from forebay_cli.console import EXIT_FINDINGS, Output, give_up, print_json, stdout
from forebay_cli.validate.findings import Line, Outcome, load


def validate(
    paths: Annotated[list[Path], typer.Argument(help="A directory of manifests, or files.")],
    output: Annotated[
        Output, typer.Option("--output", "-o", help="table for people, json for machines.")
    ] = Output.table,
    strict: Annotated[bool, typer.Option("--strict", help="Count warnings as errors.")] = False,
) -> None:
    """Check manifests as the operator would, without a cluster. Ends with 1 if anything is wrong.

    Examples:

        forebay validate examples/assistant

        forebay validate policies/*.yaml pools/*.yaml --output json
    """
    for path in paths:
        if not path.exists():
            give_up(f"there is no {path}")
    outcome = load(paths).outcome
    if output is Output.json:
        print_json(outcome)
    else:
        _print(outcome)
    if not outcome.ok or (strict and outcome.findings):
        raise typer.Exit(EXIT_FINDINGS)


def _print(outcome: Outcome) -> None:
    console = stdout()
    for line in outcome.findings:
        console.print(_text(line))
    count = len([line for line in outcome.findings if line.severity == "Error"])
    verdict = "no errors" if not count else f"{count} error{'s' if count > 1 else ''}"
    console.print(f"{len(outcome.policies)} policies, {len(outcome.pools)} pools: {verdict}")


def _text(line: Line) -> Text:
    place = f"{line.source}:{line.line}: " if line.line else f"{line.source}: " if line.source else ""
    style = "red" if line.severity == "Error" else "yellow"
    where = "".join(f"{part}: " for part in (line.object, line.path) if part)
    return Text.assemble(place, (line.severity.lower(), style), f": {where}{line.message}")
