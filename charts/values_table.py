"""``python charts/values_table.py CHART``: write the table of values into the chart's README, or check it.

Meanings come from values.schema.json, defaults from values.yaml, so the README cannot tell another story than what Helm
enforces and does.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

BEGIN: Final = "<!-- values: made by `make generate` -->\n"
END: Final = "<!-- end of values -->\n"


class NoMarkers(ValueError):
    """The README has no place for the table."""


def rows(
    schema: dict[str, Any], defaults: Any, definitions: dict[str, Any], path: str = ""
) -> Iterator[tuple[str, ...]]:
    """(path, default, meaning) of every value that can be set, in the schema's order."""
    for name, field in schema["properties"].items():
        whole = resolve(field, definitions)
        place = f"{path}{name}"
        default = defaults.get(name) if isinstance(defaults, dict) else None
        if "properties" in whole and whole.get("additionalProperties") is False:
            yield from rows(whole, default, definitions, f"{place}.")
        else:
            yield place, shown(default), meaning(whole)


def resolve(field: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema itself, where `field` only points to it; what stands beside the pointer wins."""
    target = field.get("$ref", "").removeprefix("#/$defs/")
    return {**definitions[target], **field} if target else field


def meaning(schema: dict[str, Any]) -> str:
    choices = schema.get("enum")
    said = str(schema["description"])
    return f"{said} One of {', '.join(shown(choice) for choice in choices)}." if choices else said


def shown(value: Any) -> str:
    return "" if value is None else f"`{json.dumps(value)}`"


def table(chart: Path) -> str:
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    defaults = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    lines = [
        f"| `{path}` | {default} | {said} |" for path, default, said in rows(schema, defaults, schema.get("$defs", {}))
    ]
    return "\n".join(["| value | default | meaning |", "|---|---|---|", *lines]) + "\n"


def with_table(readme: str, made: str) -> str:
    """The README with the table between the markers. Raises NoMarkers."""
    before, found, rest = readme.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise NoMarkers(f"put the lines {BEGIN.strip()!r} and {END.strip()!r} where the table belongs")
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 1 where `--check` found a README that differs."""
    parser = argparse.ArgumentParser(prog="python charts/values_table.py", description=__doc__)
    parser.add_argument("charts", type=Path, nargs="+", help="directories of charts")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a table is stale")
    options = parser.parse_args(arguments)
    stale = 0
    for chart in options.charts:
        readme = chart / "README.md"
        found = readme.read_text(encoding="utf-8")
        wanted = with_table(found, table(chart))
        if found == wanted:
            continue
        if options.check:
            stale = 1
            sys.stdout.write(f"{readme}: the table of values is stale: run `make generate`.\n")
        else:
            readme.write_text(wanted, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
