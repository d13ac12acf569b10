"""Routes for what Envoy decides alone: an explicitly named model, read off the body's top level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from re import escape
from typing import Final

from forebay_api.model import Endpoint
from forebay_decision import names
from forebay_decision.native import NativeModel
from forebay_operator.envoy.attachment import Attachment
from forebay_operator.envoy.encoding import constant
from forebay_operator.envoy.explanations import stated
from forebay_operator.envoy.filters import EXT_PROC, HEADER_TO_METADATA, absent_marks
from forebay_operator.envoy.messages import packed
from forebay_operator.envoy.proto import ext_proc, matcher, protobuf, route, types

PATHS: Final[Mapping[Endpoint, str]] = {
    "ChatCompletions": "/v1/chat/completions",
    "Completions": "/v1/completions",
    "Responses": "/v1/responses",
    "Embeddings": "/v1/embeddings",
}
ARRAYS: Final = frozenset({"tools", "functions"})
"""Members that are lists: Envoy cannot tell a list from nothing, so it never decides where one must be absent."""
POST: Final = constant(route.HeaderMatcher(name=":method", string_match=matcher.StringMatcher(exact="POST")))
UNASKED: Final = constant(packed(ext_proc.ExtProcPerRoute(disabled=True)))
"""Per-route configuration: nobody is asked."""
RULE: Final = "explicit-model"
STRATEGY: Final = "explicit"
REASON: Final = "the request names a model that this pool serves"


def visible(native: NativeModel) -> bool:
    """Whether Envoy can see everything that the entry's condition asks for."""
    return not ARRAYS & set(native.absent)


def native_routes(here: Attachment, native: NativeModel) -> Iterator[route.Route]:
    """For all endpoints of the model, ahead of everything that asks the data plane."""
    match = _match(here, native)
    yield from here.to_pool(
        f"native/{native.model}", native.pool, match, names.NATIVE_NAMESPACE, _alone(here.name, native)
    )


def posts(
    here: Attachment,
    endpoints: Sequence[Endpoint],
    headers: Sequence[route.HeaderMatcher] = (),
    dynamic_metadata: Sequence[matcher.MetadataMatcher] = (),
) -> route.RouteMatch:
    """A POST to exactly one of these endpoints of the attachment, and whatever else is asked of it."""
    paths = sorted(PATHS[endpoint] for endpoint in endpoints)
    only = here.prefix + paths[0] if len(paths) == 1 else None
    # One route for all, because a thousand policies have thousands of native models.
    regex = f"{escape(here.prefix)}(?:{'|'.join(map(escape, paths))})"
    return route.RouteMatch(
        path=only,
        safe_regex=None if only else matcher.RegexMatcher(regex=regex),
        headers=[POST, *headers],
        dynamic_metadata=list(dynamic_metadata),
    )


def _match(here: Attachment, native: NativeModel) -> route.RouteMatch:
    longest = min(native.max_content_length, here.body_limit)
    # Half-open, and no match where the header is missing: a chunked or inflated body has no length to trust.
    sized = route.HeaderMatcher(name="content-length", range_match=types.Int64Range(start=1, end=longest + 1))
    return posts(
        here,
        native.endpoints,
        headers=[sized],
        dynamic_metadata=[
            _says("model", native.model),
            *(_absent(mark) for key in sorted(native.absent) for mark in absent_marks(key)),
        ],
    )


@cache
def _absent(mark: str) -> matcher.MetadataMatcher:
    return constant(_says(mark, "absent"))


def _says(key: str, value: str) -> matcher.MetadataMatcher:
    return matcher.MetadataMatcher(
        filter=names.NATIVE_NAMESPACE,
        path=[matcher.MetadataMatcherPathSegment(key=key)],
        value=matcher.ValueMatcher(string_match=matcher.StringMatcher(exact=value)),
    )


def _alone(policy: str, native: NativeModel) -> dict[str, protobuf.Any]:
    fields = {
        "rule": RULE,
        "strategy": STRATEGY,
        "pool": native.pool,
        "model": native.model,
        "reason": REASON,
        "policy": policy,
        "decision": "Envoy",
        "decided-by": "Envoy",
    }
    return {
        EXT_PROC: UNASKED,
        HEADER_TO_METADATA: packed(stated(fields)),
    }
