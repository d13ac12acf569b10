"""`forebay validate PATH...`."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from forebay_cli.console import EXIT_FINDINGS, give_up, print_json, stdout
from forebay_cli.validate.findings import STDIN, load
from forebay_cli.validate.outcome import Outcome
from forebay_cli.validate.sarif import sarif_log
from forebay_cli.validate.text import finding_text
from forebay_operator.source.listing import LOCAL_NAME


class Format(enum.StrEnum):
    """How findings are printed."""

    table = "table"
    json = "json"
    sarif = "sarif"


def validate(
    paths: Annotated[list[Path], typer.Argument(help="A directory of manifests, or files; - is standard input.")],
    output: Annotated[
        Format, typer.Option("--output", "-o", help="table for people, json for machines, sarif for code hosts.")
    ] = Format.table,
    strict: Annotated[bool, typer.Option("--strict", help="Count warnings as errors.")] = False,
) -> None:
    """Check manifests as the operator would, without a cluster. Ends with 1 if anything is wrong.

    Examples:

        forebay validate examples/assistant

        forebay validate policies/*.yaml pools/*.yaml --output json

        kubectl kustomize overlays/prod | forebay validate - --strict

        forebay validate manifests --output sarif > forebay.sarif
    """
    for path in paths:
        if path != STDIN and not path.exists():
            give_up(f"there is no {path}")
    if len(settings := [str(path) for path in paths if path.name == LOCAL_NAME and not path.is_dir()]) > 1:
        give_up(f"{' and '.join(settings)}: only one {LOCAL_NAME} counts; name one of them")
    outcome = load(paths).outcome
    if output is Format.json:
        print_json(outcome)
    elif output is Format.sarif:
        print_json(sarif_log(outcome.findings, Path.cwd()))
    else:
        _print(outcome)
    if not outcome.ok or (strict and any(line.severity != "Note" for line in outcome.findings)):
        raise typer.Exit(EXIT_FINDINGS)


def _print(outcome: Outcome) -> None:
    console = stdout()
    for line in outcome.findings:
        console.print(finding_text(line))
    count = len([line for line in outcome.findings if line.severity == "Error"])
    verdict = "no errors" if not count else f"{count} error{'s' if count > 1 else ''}"
    policies = f"{len(outcome.policies)} {'policy' if len(outcome.policies) == 1 else 'policies'}"
    pools = f"{len(outcome.pools)} {'pool' if len(outcome.pools) == 1 else 'pools'}"
    console.print(f"{policies}, {pools}: {verdict}")
