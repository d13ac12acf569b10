"""``python -m forebay_cli.sim``: the command without the rest of ``forebay``, for parents that start many."""

import typer

from forebay_cli.sim.command import sim

if __name__ == "__main__":
    typer.run(sim)
