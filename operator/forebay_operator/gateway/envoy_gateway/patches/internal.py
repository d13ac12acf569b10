"""Whether a Gateway's Envoys take internal listeners: as the EnvoyProxy says from which they start.

Envoy takes them only with a bootstrap extension. The EnvoyProxy is a team's own: it is read, and what is missing is said.

Source: Envoy Gateway 1.9.1, internal/gatewayapi/envoyproxy_merge.go (which EnvoyProxy counts), internal/xds/bootstrap/util.go
(what spec.bootstrap comes to).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from forebay_api.document.builder import Malformed
from forebay_api.document.stream import read_document
from forebay_operator.gateway.envoy_gateway.servers import ENVOY_GROUP
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.objects import Gateway, ParametersRef, Stored, key_of

PLURAL: Final = "envoyproxies"
EXTENSION: Final = "type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener"
SNIPPET: Final = (
    "bootstrap: {type: JSONPatch, jsonPatches: [{op: add, path: /bootstrap_extensions, value: "
    f"[{{name: envoy.bootstrap.internal_listener, typed_config: {{'@type': {EXTENSION}}}}}]}}]}}"
)
"""Of an EnvoyProxy's spec."""
_FIELD: Final = "bootstrap_extensions"
_KEPT: Final = 64


def missing_extension(gateway: Gateway, facts: GatewayFacts) -> str:
    """Why its Envoys take no internal listeners, and what to add; empty where they do."""
    named = _named(gateway, facts)
    if not named:
        return (
            f"neither Gateway {key_of(gateway.metadata)} (spec.infrastructure.parametersRef) nor its GatewayClass "
            f"(spec.parametersRef) names an EnvoyProxy: name one whose spec has {SNIPPET}"
        )
    for key in named:
        stored = facts.stored(PLURAL, key)
        if stored is None:
            return (
                f"EnvoyProxy {key} is not there, or may not be read: it has to be in a namespace that Forebay watches, and "
                f"its spec has to have {SNIPPET}"
            )
        bootstrap = stored.spec.get("bootstrap")
        if isinstance(bootstrap, dict):
            return "" if _brings(bootstrap) else f"add {EXTENSION} to {_FIELD} in spec.bootstrap of EnvoyProxy {key}"
        if not _merges(stored):
            break
    return f"add to the spec of EnvoyProxy {named[0]}: {SNIPPET}"


def _named(gateway: Gateway, facts: GatewayFacts) -> tuple[str, ...]:
    """EnvoyProxies of a Gateway, the one that counts first; the next one is for what that leaves open, where it merges."""
    infrastructure = gateway.spec.infrastructure
    own = _key(infrastructure.parameters_ref if infrastructure else None, gateway.metadata.namespace)
    class_ = facts.classes.get(f"/{gateway.spec.gateway_class_name}")
    wide = _key(class_.spec.parameters_ref if class_ else None, "")
    return tuple(filter(None, (own, wide)))


def _key(ref: ParametersRef | None, namespace: str) -> str:
    if ref is None or (ref.group, ref.kind) != (ENVOY_GROUP, "EnvoyProxy"):
        return ""
    return f"{namespace or ref.namespace}/{ref.name}"


def _merges(stored: Stored) -> bool:
    return stored.spec.get("mergeType") not in (None, "Replace")


def _brings(bootstrap: Mapping[str, Any]) -> bool:
    if bootstrap.get("type") == "JSONPatch":
        return any(_adds(change) for change in bootstrap.get("jsonPatches") or ())
    value = bootstrap.get("value")
    return isinstance(value, str) and _text_brings(value)


def _adds(change: Any) -> bool:
    """Whether one JSON patch puts it into the list, or the list with it in its place."""
    if not isinstance(change, dict) or change.get("op") not in ("add", "replace"):
        return False
    path, value = str(change.get("path") or ""), change.get("value")
    return path.startswith(f"/{_FIELD}") and _holds(value if isinstance(value, list) else [value])


@lru_cache(maxsize=_KEPT)
def _text_brings(text: str) -> bool:
    """Of a bootstrap in YAML. What cannot be read, or only with anchors and aliases, brings nothing."""
    try:
        value = read_document(text).value
    except Malformed:
        return False
    return isinstance(value, dict) and _holds(value.get(_FIELD) or value.get("bootstrapExtensions"))


def _holds(extensions: Any) -> bool:
    """Envoy knows an extension by the type of its configuration, whatever its name."""
    listed = extensions if isinstance(extensions, list) else ()
    configs = (entry.get("typed_config") or entry.get("typedConfig") for entry in listed if isinstance(entry, dict))
    return any(isinstance(config, dict) and config.get("@type") == EXTENSION for config in configs)
