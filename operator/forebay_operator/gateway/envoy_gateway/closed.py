"""What a request is answered that is decided for a pool to which its Gateway has no route: 503, and nobody's backend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from forebay_decision.dialects.openai.answers import JSON, error_body
from forebay_decision.errors import Unavailable
from forebay_operator.gateway.envoy_gateway.ownership import labels
from forebay_operator.gateway.envoy_gateway.servers import ENVOY_GROUP
from forebay_operator.gateway.implementation import Generated, Wanted
from forebay_operator.gateway.naming import generated_name

STAGE: Final = 0
RETRY_SECONDS: Final = 1
CODE: Final = "route_missing"
_KIND: Final = "HTTPRouteFilter"


def answers(wanted: Wanted, routes: Iterable[Generated]) -> Iterator[Generated]:
    """One filter in each namespace in which we have HTTPRoutes: a route refers to none elsewhere."""
    users: dict[str, set[str]] = {}
    for made in routes:
        users.setdefault(made.namespace, set()).update(made.policies)
    for namespace, policies in sorted(users.items()):
        yield Generated(
            "httproutefilters", namespace, _name(wanted.installation), {"directResponse": _response()},
            labels(wanted.installation), None, STAGE, tuple(sorted(policies)),
        )  # fmt: skip


def answer_reference(installation: str) -> dict[str, Any]:
    """The filter of a rule that answers so."""
    ref = {"group": ENVOY_GROUP, "kind": _KIND, "name": _name(installation)}
    return {"type": "ExtensionRef", "extensionRef": ref}


def _response() -> dict[str, Any]:
    message = (
        "The gateway has no route to the pool that was chosen: it may not have taken over the newest policy yet. Try again; "
        "where that does not help, see the policy's conditions."
    )
    return {
        "statusCode": Unavailable.status,
        "contentType": JSON,
        "body": {"type": "Inline", "inline": error_body(Unavailable(message, code=CODE)).decode()},
        "header": {"set": [{"name": "retry-after", "value": str(RETRY_SECONDS)}]},
    }


def _name(installation: str) -> str:
    return generated_name("no-route", installation)
