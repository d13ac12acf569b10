"""One object through all checks, in an API server's order."""

from __future__ import annotations

from typing import Any

from forebay_api.admission.fault import Fault
from forebay_api.admission.fields import check_fields
from forebay_api.admission.lists import check_lists
from forebay_api.admission.rules import check_rules
from forebay_api.path import Path
from forebay_api.schema.defaults import fill_defaults
from forebay_api.schema.shape import Shape


def review(value: Any, shape: Shape) -> tuple[Any, tuple[Fault, ...]]:
    """The value with its defaults, and every fault in it. Without faults it converts to the shape's struct."""
    settled = fill_defaults(value, shape)
    faults = list(check_fields(settled, shape))
    if not faults:
        faults.extend(check_lists(settled, shape))
    faults.extend(check_rules(settled, shape, _around(faults)))
    return settled, tuple(faults)


def _around(faults: list[Fault]) -> frozenset[Path]:
    return frozenset(fault.path[:length] for fault in faults for length in range(len(fault.path) + 1))
