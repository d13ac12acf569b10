"""``python -m forebay_api.schema --out DIR``: write the CRDs and the reference, or check that they are up to date.

`--chart DIR` takes a copy of the CRDs alone: Helm packages only what lies inside of a chart."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from forebay_api.base import GROUP
from forebay_api.schema.definition import render_definition
from forebay_api.schema.generated import write_or_check
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
    return write_or_check(
        "python -m forebay_api.schema",
        __doc__ or "",
        generated_files(),
        arguments,
        copies={"chart": generated_definitions()},
    )


if __name__ == "__main__":
    sys.exit(main())
