"""What is known of Gateways and of all that hangs on them: one frozen value, by ``namespace/name``."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from forebay_operator.cluster.objects import ReferenceGrant
from forebay_operator.gateway.objects import Gateway, GatewayClass, Stored


class GatewayFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`classes` go by ``/name``. `kinds` are an implementation's own, by plural; HTTPRoutes hold ours, too."""

    classes: Mapping[str, GatewayClass] = {}
    gateways: Mapping[str, Gateway] = {}
    routes: Mapping[str, Stored] = {}
    kinds: Mapping[str, Mapping[str, Stored]] = {}
    grants: Mapping[str, ReferenceGrant] = {}

    def controller(self, gateway: Gateway) -> str:
        """Whose Gateway it is; empty where its class does not exist."""
        found = self.classes.get(f"/{gateway.spec.gateway_class_name}")
        return "" if found is None else found.spec.controller_name

    def stored(self, plural: str, key: str) -> Stored | None:
        return self.routes.get(key) if plural == "httproutes" else self.kinds.get(plural, {}).get(key)


NO_GATEWAYS = GatewayFacts()
