"""May a policy claim its host names on our own Envoy? Gateway API's `allowedRoutes`, where all listeners share a table.

Requests to a listener are told apart by host name: the entry of `hostnames` that covers a name most closely says who may
attach there, and the listener's own `allowedRoutes` where none does. A policy is met at every listener, and a wide host
name of it (`*`) at each narrower one where no other policy answers first. So it counts where all whose requests it could
meet admit its namespace, and not at all otherwise: neither Envoy's routes nor data planes can leave out one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forebay_api.allowed_routes import AllowedHostname, AllowedRoutes
from forebay_api.local import Listener
from forebay_api.policy import PolicySpec
from forebay_decision.attachment import placed
from forebay_decision.check import Finding
from forebay_operator.gateway.hostnames import EVERY, covers


def unadmitted(policy: str, spec: PolicySpec, listeners: Sequence[Listener]) -> tuple[Finding, ...]:
    """A finding for each host name of a policy (``namespace/name``) that some listener does not let it have."""
    if placed(spec) is not None or all(_open(listener) for listener in listeners):
        return ()
    namespace = policy.partition("/")[0]
    return tuple(_findings(namespace, spec, listeners))


def _open(listener: Listener) -> bool:
    return listener.allowed_routes == AllowedRoutes() and not listener.hostnames


def _findings(namespace: str, spec: PolicySpec, listeners: Sequence[Listener]) -> Iterator[Finding]:
    for index, hostname in enumerate(spec.attach.hostnames):
        for at, listener in enumerate(listeners):
            barred = [host for host, who in _meets(hostname, listener) if not who.namespaces.admit(namespace)]
            if barred:
                yield Finding(
                    f"spec.attach.hostnames[{index}]",
                    _tell(hostname, barred[0], namespace, f"listeners[{at}]", listener),
                    reason="NotAllowedByListeners",
                )
                break


def _meets(hostname: str, listener: Listener) -> Iterator[tuple[str, AllowedRoutes]]:
    """What says who may have the requests that `hostname` stands for: the closest entry that covers all of it, and those
    for parts of it."""
    wider = [entry for entry in listener.hostnames if covers(entry.hostname, hostname)]
    closest = max(wider, key=_closeness, default=None)
    yield (EVERY, listener.allowed_routes) if closest is None else (closest.hostname, closest.allowed_routes)
    for entry in listener.hostnames:
        if entry not in wider and covers(hostname, entry.hostname):
            yield entry.hostname, entry.allowed_routes


def _closeness(entry: AllowedHostname) -> tuple[bool, int]:
    return not entry.hostname.startswith(EVERY), len(entry.hostname)


def _tell(hostname: str, barred: str, namespace: str, at: str, listener: Listener) -> str:
    whose = "" if barred == EVERY else f" for {barred}"
    return (
        f"{hostname!r} would take requests of {at} (port {listener.port}), which admits no policies of namespace "
        f"{namespace}{whose}: name other hosts, or have {namespace} added to its allowedRoutes (forebay.yaml, or "
        f"envoy.{at} in the chart's values)"
    )
