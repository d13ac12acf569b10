"""From findings to the statements that conditions make of them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from typing import Final

from forebay_api.reasons import Reason
from forebay_decision.check import Finding
from forebay_operator.judgement.verdict import Statement

UNACCEPTED: Final[frozenset[Reason]] = frozenset({"Invalid", "TargetNotFound", "Conflicted", "NotAllowedByListeners"})
"""Reasons of Accepted; all others are of ResolvedRefs."""
_SHOWN = 8
_LONGEST_FINDING = 512
_LONGEST = 1024
_LOG = logging.getLogger(__name__)


def cut(text: str, limit: int = _LONGEST) -> str:
    """The text, shortened to what a condition can show."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def errors_of(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity == "Error")


def tell(findings: Iterable[Finding]) -> str:
    """One line: each finding with its path, the first few of them, each cut to a readable length."""
    parts = [f"{f.path}: {f.message}" if f.path else f.message for f in findings]
    shown = [cut(part, _LONGEST_FINDING) for part in parts[:_SHOWN]]
    return "; ".join(shown) + (f"; and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else "")


def internal_error(error: Exception, about: str, while_: str, before: Collection[Finding] = ()) -> Finding:
    """An error of ours that one object has brought about. Its text goes to the log alone, and not again where the
    object's findings `before` had the same."""
    kind = type(error).__name__
    found = Finding("", f"internal error while {while_} ({kind}): please report what the operator's log says of it")
    if found not in before:
        _LOG.error("%s: internal error while %s", about, while_, exc_info=error)
    return found


def state_accepted(findings: Iterable[Finding], served: str) -> Statement:
    """Accepted or Invalid. `served` is what a refusal has to add: what is served instead."""
    listed = tuple(findings)
    refused = [finding for finding in errors_of(listed) if finding.reason in UNACCEPTED]
    if refused:
        return Statement("Accepted", "False", refused[0].reason, f"{tell(refused)}; {served}")
    warnings = [finding for finding in listed if finding.severity == "Warning"]
    return Statement("Accepted", "True", "Accepted", f"Accepted; to know: {tell(warnings)}" if warnings else "Accepted")


def state_resolved(findings: Iterable[Finding], served: str) -> Statement:
    """ResolvedRefs, or the reason of the first reference that leads nowhere."""
    broken = [finding for finding in errors_of(findings) if finding.reason not in UNACCEPTED]
    if broken:
        return Statement("ResolvedRefs", "False", broken[0].reason, f"{tell(broken)}; {served}")
    return Statement("ResolvedRefs", "True", "ResolvedRefs", "All references lead somewhere")
