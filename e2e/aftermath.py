"""What must hold once something has gone wrong: what is published is what a fresh start would, and nothing else was written."""

from __future__ import annotations

from typing import Any

from .control_plane import ControlPlane
from .installation import Installation
from .waiting import wait_until


def same_as_fresh(forebay: Installation) -> None:
    fresh = forebay.fresh_revision()
    wait_until(lambda: forebay.revision(0) == fresh, f"it publishes {fresh}, as a fresh start does", 60.0)


def writes(plane: ControlPlane, since: int) -> list[str]:
    """What operators have written since the audit log had so many lines, but for Leases, last-good copies, and the load of
    a pool: a status that says of its conditions what was said of them before is none of a fault's doing."""
    told, said = [], dict[str, Any]()
    for number, event in enumerate(plane.audit()):
        reference, status = event.get("objectRef", {}), (event.get("requestObject") or {}).get("status", {})
        by_operator = "forebay_operator" in event.get("userAgent", "") or "Python" in event.get("userAgent", "")
        named = f"{reference.get('resource')}/{reference.get('name')}"
        moved = "conditions" not in status or status["conditions"] != said.get(reference.get("namespace", "") + named)
        if "conditions" in status and event.get("responseStatus", {}).get("code", 500) < 300:
            said[reference.get("namespace", "") + named] = status["conditions"]
        own = reference.get("resource") in ("leases", "configmaps")
        written = event["verb"] in ("create", "update", "patch", "delete") and by_operator and not own
        if number >= since and written and moved:
            told.append(f"{event['verb']} {named} {reference.get('subresource')}")
    return told


def statuses_written(plane: ControlPlane, since: int) -> set[str]:
    """Of which objects, ``plural/name``, operators have written a status that says something new. Nothing but statuses, and
    Events about them, may have been written."""
    told = writes(plane, since)
    others = [entry for entry in told if not entry.endswith(" status") and not entry.startswith("create events/")]
    assert not others, others
    return {entry.split()[1] for entry in told if entry.endswith(" status")}
