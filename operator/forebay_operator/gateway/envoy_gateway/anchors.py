"""HTTPRoutes that no request ever matches, where a policy is on a Gateway and none of its routes is in the Gateway's namespace.

Envoy Gateway keeps the cluster of a processor for as long as a route of its EnvoyExtensionPolicy's is there. When one goes, it
stays on our own routes for a while (showing.py), and it chooses those of its own namespace only.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from forebay_decision import names
from forebay_operator.gateway.envoy_gateway.closed import answer_reference
from forebay_operator.gateway.envoy_gateway.ownership import for_policy, reference
from forebay_operator.gateway.envoy_gateway.routes import STAGE, shown
from forebay_operator.gateway.implementation import Generated, Wanted
from forebay_operator.gateway.naming import SHOWN, generated_name
from forebay_operator.gateway.objects import GROUP, VERSION
from forebay_operator.gateway.unmatched import NOTHING


def anchors(policy: str, wanted: Wanted) -> Iterator[Generated]:
    """One a Gateway. Nothing is lost by one that the Gateway does not take but what is asked when the policy goes."""
    attached = wanted.policies[policy].attached
    never = {"type": "RegularExpression", "name": names.CLUSTER_HEADER, "value": NOTHING}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}, "headers": [never]}],
        "filters": [answer_reference(wanted.installation)],
    }
    for gateway in dict.fromkeys(key for kind, key, _ in attached.targets if kind == "Gateway"):
        namespace, _, name = gateway.partition("/")
        homes = {spot.route.partition("/")[0] for spot in attached.spots if spot.gateway == gateway}
        if not homes or namespace in homes:
            continue
        spec = {"parentRefs": [{"group": GROUP, "kind": "Gateway", "name": name}], "rules": [rule]}
        own = generated_name(f"{name}-way", policy, gateway)
        made = for_policy(wanted, policy, "httproutes", namespace, own, spec, STAGE)
        uid = wanted.facts.gateways[gateway].metadata.uid or ""
        keeper = reference(f"{GROUP}/{VERSION}", "Gateway", name, uid)
        yield msgspec.structs.replace(made, labels={**made.labels, SHOWN: shown(policy)}, keeper=keeper, optional=True)
