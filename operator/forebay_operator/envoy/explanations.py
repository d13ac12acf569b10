"""Decision fields where Envoy decides without the data plane, and their way into response headers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from forebay_decision import names
from forebay_operator.envoy.encoding import constant
from forebay_operator.envoy.messages import overwritten
from forebay_operator.envoy.proto import core, header_to_metadata

SERVED: Final = ("pool", "model")
"""Who answered: a route to one pool says what was chosen, on a chain the room that answered says it."""
DECIDED: Final = (*(field for field in names.RESPONSE_FIELDS if field not in SERVED), "decision")
"""What was decided, whoever answered."""


def response_headers(fields: tuple[str, ...]) -> list[core.HeaderValueOption]:
    """``x-forebay-<field>`` out of dynamic metadata; what is not there adds no header."""
    return [_shown(field) for field in fields]


@cache
def _shown(field: str) -> core.HeaderValueOption:
    return constant(
        overwritten(f"{names.HEADER_PREFIX}{field}", f"%DYNAMIC_METADATA({names.METADATA_NAMESPACE}:{field})%")
    )


def stated(fields: Mapping[str, str]) -> header_to_metadata.Config:
    """Metadata that a route knows beforehand; the decision's id is the request's, which Envoy makes."""
    rules = [
        header_to_metadata.ConfigRule(header=":method", on_header_present=_pair(key, value))
        for key, value in sorted(fields.items())
    ]
    return header_to_metadata.Config(request_rules=[IDENTITY, *rules])


def _pair(key: str, value: str = "") -> header_to_metadata.ConfigKeyValuePair:
    return header_to_metadata.ConfigKeyValuePair(metadata_namespace=names.METADATA_NAMESPACE, key=key, value=value)


IDENTITY: Final = constant(header_to_metadata.ConfigRule(header="x-request-id", on_header_present=_pair("decision-id")))
