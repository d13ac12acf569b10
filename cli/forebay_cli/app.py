"""The `forebay` command: one module a sub-command, imported when it runs, so that each needs only its own extra."""

from __future__ import annotations

import importlib
import io
import sys
from difflib import get_close_matches
from importlib.metadata import version
from typing import Annotated, Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command_from_info
from typer.models import CommandInfo

from forebay_cli.examples import help_text


class Entry(NamedTuple):
    """A command before it is imported: `told` is its line in the list of commands, `extra` what it has to be installed
    with."""

    module: str
    function: str
    extra: str
    told: str


COMMANDS: Final = {
    "up": Entry("forebay_cli.up.command", "up", "local", "Run everything here, from a directory of manifests."),
    "demo": Entry("forebay_cli.demo.command", "demo", "local", "Show it all with simulated servers, and break things."),
    "validate": Entry("forebay_cli.validate.command", "validate", "", "Check manifests as the operator would."),
    "explain": Entry("forebay_cli.explain.command", "explain", "encoders", "Say where a request would go, and why."),
    "train": Entry("forebay_cli.train.command", "train", "encoders", "Fit a classifier of your own to labelled texts."),
    "calibrate": Entry("forebay_cli.train.command", "calibrate", "encoders", "Set its thresholds from your own traffic."),
    "quality": Entry("forebay_cli.quality.command", "quality", "quality", "Measure every shipped signal on public data."),
    "sim": Entry("forebay_cli.sim.command", "sim", "local", "Run a simulated OpenAI-compatible server."),
}  # fmt: skip


class LazyCommands(TyperGroup):
    """Imports a command's module only when it is asked for; what lists commands imports none of them."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        entry = COMMANDS[cmd_name]
        try:
            callback = getattr(importlib.import_module(entry.module), entry.function)
        except ModuleNotFoundError as missing:
            sys.stderr.write(
                f"forebay {cmd_name} needs {missing.name}: pip install 'forebay[{entry.extra or 'local'}]'\n"
            )
            raise SystemExit(2) from None
        return get_command_from_info(
            CommandInfo(name=cmd_name, callback=callback, help=help_text(callback)),
            pretty_exceptions_short=True,
            rich_markup_mode=None,
        )

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(COMMANDS)}"
            ctx.fail(f"No such command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        _LISTED.format_commands(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return _LISTED.shell_complete(typer.Context(_LISTED), incomplete)


_LISTED: Final = TyperGroup(
    commands={name: TyperCommand(name, short_help=entry.told) for name, entry in COMMANDS.items()}
)
"""The commands by name and line alone."""

app = typer.Typer(
    name="forebay",
    cls=LazyCommands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Decides, per LLM request, how much intelligence the work deserves and which pool should do it.",
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"forebay {version('forebay')}\n")
        raise typer.Exit


@app.callback()
def forebay(
    told: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Decides, per LLM request, how much intelligence the work deserves and which pool should do it."""


def main() -> None:
    """Entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may have fewer letters than a manifest
    app()
