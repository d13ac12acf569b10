"""The two Lua scripts that Envoy runs, kept as files so that editors and reviewers see Lua."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final, Literal

Script = Literal["bypass", "hop"]
SCRIPTS: Final[tuple[Script, ...]] = ("bypass", "hop")


@cache
def source(script: Script) -> str:
    """Text of a script."""
    return resources.files(__name__).joinpath(f"{script}.lua").read_text(encoding="utf-8")
