"""Gauges of what somebody should look at: objects that are not as they should be, refusals, a copy that is not kept,
certificates that end. All are of the leader, but for certificates.

A condition tells whoever looks at one object; these tell whoever looks at none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from forebay_operator.cluster.keeper import Keeper
from forebay_operator.cluster.statuses import StatusWriter
from forebay_operator.telemetry.families import Labels
from forebay_operator.telemetry.metrics import OperatorMetrics
from forebay_operator.xds.acknowledgements import Kind
from forebay_operator.xds.server import XdsServer
from forebay_operator.xds.type_urls import short
from forebay_transport.security import Security
from forebay_transport.validity import expiry


def watch_trouble(
    metrics: OperatorMetrics,
    writer: StatusWriter,
    server: XdsServer,
    keeper: Keeper,
    security: Security,
    leads: Callable[[], bool],
) -> None:
    """Have `metrics` tell of it whenever somebody looks."""
    metrics.watch(
        "forebay_objects_amiss",
        "Policies and pools that have a condition which ought to be True and is not, by its reason.",
        ("kind", "condition", "reason"),
        lambda: _floats(writer.untrue()) if leads() else {},
    )
    metrics.watch(
        "forebay_xds_refused",
        "Resources that connected clients refuse at the version on offer (NACK).",
        ("client", "type"),
        lambda: _refused(server) if leads() else {},
    )
    metrics.watch(
        "forebay_last_good_failing",
        "1 while what is published cannot be kept for a start without an operator.",
        (),
        lambda: {(): float(bool(keeper.fault))} if leads() else {},
    )
    metrics.watch(
        "forebay_certificate_expiry_timestamp_seconds",
        "When the certificate that this process shows others expires, or the CA by which it trusts them.",
        ("certificate",),
        lambda: _expiries(security),
    )


def _floats(counted: Counter[Labels]) -> dict[Labels, float]:
    return {labels: float(count) for labels, count in counted.items()}


def _refused(server: XdsServer) -> dict[Labels, float]:
    named = ((Kind.of(each.client).value, short(each.type_url)) for each in server.rejections())
    return _floats(Counter[Labels](named))


def _expiries(security: Security) -> dict[Labels, float]:
    if security.certificates is None:
        return {}
    pems = security.certificates.newest()
    ends = {("own",): expiry(pems.chain), ("ca",): expiry(pems.ca)}
    return {labels: end for labels, end in ends.items() if end is not None}
