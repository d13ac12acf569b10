"""Small forms that every resource uses: Any, extensions, header options, ADS sources, addresses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from ipaddress import ip_address
from typing import Any, Final

import betterproto2

from forebay_api.quantities import duration_seconds
from forebay_operator.envoy.encoding import constant, encoded
from forebay_operator.envoy.proto import core, default_message_pool, hcm, protobuf, route
from forebay_operator.resources import Resource

UNBOUNDED: Final = 1_000_000
"""Circuit-breaker threshold that never trips before memory does: admission is the decision core's business."""
OVERWRITE: Final = core.HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD


def packed(message: betterproto2.Message) -> protobuf.Any:
    """The message inside an Any."""
    return protobuf.Any(type_url=type_url(type(message)), value=encoded(message))


def published(name: str, message: betterproto2.Message) -> Resource:
    """The message as an xDS resource."""
    return Resource(name=name, type_url=type_url(type(message)), value=encoded(message))


def type_url(kind: type[betterproto2.Message]) -> str:
    """How a message of this class is called inside an Any."""
    return default_message_pool.type_to_url[kind]


def extension(name: str, message: betterproto2.Message) -> core.TypedExtensionConfig:
    return core.TypedExtensionConfig(name=name, typed_config=packed(message))


def http_filter(name: str, message: betterproto2.Message) -> hcm.HttpFilter:
    return hcm.HttpFilter(name=name, typed_config=packed(message))


@cache
def switched_off() -> protobuf.Any:
    """Per-route configuration that leaves a filter out."""
    return constant(packed(route.FilterConfig(disabled=True)))


def overwritten(key: str, value: str) -> core.HeaderValueOption:
    """A header that replaces whatever stood there; an empty value adds nothing."""
    return core.HeaderValueOption(header=core.HeaderValue(key=key, value=value), append_action=OVERWRITE)


@cache
def from_ads(first_wait: timedelta | None = None) -> core.ConfigSource:
    """The stream that delivers everything; `first_wait` bounds how long initialisation waits for it."""
    return constant(
        core.ConfigSource(
            ads=core.AggregatedConfigSource(), resource_api_version=core.ApiVersion.V3, initial_fetch_timeout=first_wait
        )
    )


def struct(values: Mapping[str, Any]) -> protobuf.Struct:
    """A JSON object as protobuf, keys sorted so that the bytes are the same every time."""
    made: protobuf.Struct = protobuf.Struct.from_dict({key: values[key] for key in sorted(values)})
    return made


def span(duration: str) -> timedelta:
    """A Gateway API duration as protobuf wants it."""
    return timedelta(seconds=duration_seconds(duration))


def is_ip(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def socket_address(host: str, port: int) -> core.Address:
    return core.Address(socket_address=core.SocketAddress(address=host, port_value=port))


def parsed_address(text: str) -> core.Address:
    """``unix:/path``, ``host:port`` or ``[v6]:port``.

    Raises ValueError where it is none of these.
    """
    if text.startswith("unix:"):
        return core.Address(pipe=core.Pipe(path=text.removeprefix("unix:")))
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or not host:
        raise ValueError(f"{text!r} is no address: write unix:/path, host:port or [v6]:port")
    return socket_address(host.strip("[]"), int(port))
