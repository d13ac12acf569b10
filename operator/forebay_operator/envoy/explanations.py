"""Decision fields where Envoy decides without the data plane, and their way into response headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from forebay_decision import names
from forebay_operator.envoy.messages import overwritten
from forebay_operator.envoy.proto import core, header_to_metadata

CHOSEN: Final = (*names.RESPONSE_FIELDS, "decision")
ON_CHAIN: Final = tuple(field for field in CHOSEN if field not in ("pool", "model"))
"""On a chain the room that answered names itself, and it names SERVED."""
SERVED: Final = ("pool", "model")


def response_headers(fields: tuple[str, ...] = CHOSEN) -> list[core.HeaderValueOption]:
    """``x-forebay-<field>`` out of dynamic metadata; what is not there adds no header."""
    return [
        overwritten(f"{names.HEADER_PREFIX}{field}", f"%DYNAMIC_METADATA({names.METADATA_NAMESPACE}:{field})%")
        for field in fields
    ]


def stated(fields: Mapping[str, str]) -> header_to_metadata.Config:
    """Metadata that a route knows beforehand; the decision's id is the request's, which Envoy makes."""
    rules = [
        header_to_metadata.ConfigRule(header=":method", on_header_present=_pair(key, value))
        for key, value in sorted(fields.items())
    ]
    identity = header_to_metadata.ConfigRule(header="x-request-id", on_header_present=_pair("decision-id"))
    return header_to_metadata.Config(request_rules=[identity, *rules])


def _pair(key: str, value: str = "") -> header_to_metadata.ConfigKeyValuePair:
    return header_to_metadata.ConfigKeyValuePair(metadata_namespace=names.METADATA_NAMESPACE, key=key, value=value)
