"""The `forebay` command: one module a sub-command, imported when it runs, so that each needs only its own extra."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command_from_info
from typer.models import CommandInfo

COMMANDS: Final = {
    "up": ("forebay_cli.up.command", "up", "local"),
    "demo": ("forebay_cli.demo.command", "demo", "local"),
    "validate": ("forebay_cli.validate.command", "validate", ""),
    "explain": ("forebay_cli.explain.command", "explain", "encoders"),
    "train": ("forebay_cli.train.command", "train", "encoders"),
    "calibrate": ("forebay_cli.train.command", "calibrate", "encoders"),
    "quality": ("forebay_cli.quality.command", "quality", "quality"),
    "sim": ("forebay_cli.sim.command", "sim", "local"),
}
"""Command -> (module, function, the extra it needs)."""


class LazyCommands(TyperGroup):
    """Imports a command's module only when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, function, extra = COMMANDS[cmd_name]
        try:
            callback = getattr(importlib.import_module(module), function)
        except ModuleNotFoundError as missing:
            sys.stderr.write(f"forebay {cmd_name} needs {missing.name}: pip install 'forebay[{extra or 'local'}]'\n")
            raise SystemExit(2) from None
        return get_command_from_info(
            CommandInfo(name=cmd_name, callback=callback),
            pretty_exceptions_short=True,
            rich_markup_mode=None,
        )


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
    app()
