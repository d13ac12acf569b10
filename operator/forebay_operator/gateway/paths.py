"""From a route's path match to the prefix that a data plane matches and the base that it takes off.

A route may name a whole path (`/team/v1/chat/completions`), the beginning of the API (`/team/v1`) or what stands before
it (`/team`); in each case the API begins after `/team`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forebay_decision.dialects.openai.paths import ENDPOINTS, MODELS

_KNOWN = (*ENDPOINTS, MODELS)


def prefix_and_base(match: Mapping[str, Any]) -> tuple[str, str]:
    """Of one HTTPRouteMatch. A regular expression says nothing that could be matched here: it counts as everything."""
    path = match.get("path") or {}
    if path.get("type", "PathPrefix") == "RegularExpression":
        return "", ""
    prefix = str(path.get("value", "/")).rstrip("/")
    return prefix, base_of(prefix)


def base_of(prefix: str) -> str:
    """What stands before the API's own path; the shortest that leaves the beginning of one."""
    segments = prefix.split("/")[1:]
    for start in range(len(segments)):
        if _begins("/" + "/".join(segments[start:])):
            return "".join(f"/{segment}" for segment in segments[:start])
    return prefix


def _begins(path: str) -> bool:
    return path.startswith(f"{MODELS}/") or any(known == path or known.startswith(f"{path}/") for known in _KNOWN)
