"""How far a published revision has come, as a condition says it: truth about every expected replica, or who is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from forebay_operator.judgement.findings import cut
from forebay_operator.judgement.verdict import Statement
from forebay_operator.xds.acknowledgements import Acknowledgements, Kind

_NAMED: Final = 5


class Rollout(msgspec.Struct, frozen=True):
    """How far the newest revision has come: the acknowledgements, and who was expected to give them."""

    acknowledgements: Acknowledgements
    expected: Mapping[str, Kind]


def state_programmed(rollout: Rollout | None) -> Statement:
    """Programmed only when every expected replica has acknowledged. `rollout` is None until something was published."""
    if rollout is None:
        return Statement("Programmed", "False", "Pending", "Nothing has been published yet")
    told, expected = rollout.acknowledgements, rollout.expected
    if Kind.DATA_PLANE not in expected.values():
        return Statement(
            "Programmed", "False", "NoDataPlane", "No data plane is expected, so nobody decides: start one"
        )
    progress = f"{_counts(told, expected)} acknowledged revision {told.revision}"
    if told.rejected:
        refusals = [f"{replica} refused {text}" for replica, text in sorted(told.rejected.items())]
        return Statement("Programmed", "False", "Rejected", f"{cut('; '.join(refusals))}; {progress}")
    if not told.complete:
        return Statement("Programmed", "False", "Pending", f"{progress}; waiting for {_listed(told.missing)}")
    return Statement("Programmed", "True", "Programmed", progress)


def _counts(told: Acknowledgements, expected: Mapping[str, Kind]) -> str:
    """``2 of 2 data planes, 1 of 1 Envoy``."""
    parts = []
    for kind, one, many in ((Kind.DATA_PLANE, "data plane", "data planes"), (Kind.ENVOY, "Envoy", "Envoys")):
        total = sum(other == kind for other in expected.values())
        missing = sum(expected.get(name) == kind for name in told.missing)
        if total:
            parts.append(f"{total - missing} of {total} {one if total == 1 else many}")
    return ", ".join(parts)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown
