"""What stands around a spec, as an API server checks it. CRDs may say no more of metadata than bounds on the name."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import Final

import msgspec

from forebay_api.base import API_VERSION
from forebay_api.policy_data import CONFIG_MAP_VERSION
from forebay_api.quantities import LABEL_PATTERN, NAME_PATTERN
from forebay_api.schema.kinds import Kind
from forebay_api.schema.shape import Shape
from forebay_api.schema.structs import shape_of

MAX_NAME: Final = 63
"""As long as a reference to the object may be."""
_ANYTHING: Final = Shape(type="any")
_TEXTS: Final = Shape(type="object", values=Shape(type="string", max_size=262_144), max_size=1024)
# What only API servers write comes along when an object was saved with `kubectl get -o yaml`.
_WRITTEN_BY_SERVERS: Final = (
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "managedFields",
    "ownerReferences",
    "selfLink",
)

METADATA: Final = Shape(
    type="object",
    required=("name",),
    properties=MappingProxyType(
        {
            "name": Shape(
                type="string", pattern=NAME_PATTERN, min_size=1, max_size=MAX_NAME, examples=("assistant", "llama-70b")
            ),
            "namespace": Shape(type="string", pattern=LABEL_PATTERN, max_size=63, examples=("ai", "team-a")),
            "labels": _TEXTS,
            "annotations": _TEXTS,
            "generation": Shape(type="integer"),
            "creationTimestamp": Shape(type="string", max_size=64),
            "uid": Shape(type="string", max_size=128),
            "resourceVersion": Shape(type="string", max_size=128),
            **dict.fromkeys(_WRITTEN_BY_SERVERS, _ANYTHING),
        }
    ),
)


_CONTENT: Final = Shape(type="string", max_size=1 << 20)
CONFIG_MAP: Final = Shape(
    type="object",
    required=("apiVersion", "kind", "metadata"),
    properties=MappingProxyType(
        {
            "apiVersion": Shape(type="string", enum=(CONFIG_MAP_VERSION,)),
            "kind": Shape(type="string", enum=("ConfigMap",)),
            "metadata": msgspec.structs.replace(
                METADATA,
                properties=MappingProxyType(
                    {
                        **METADATA.properties,
                        "name": msgspec.structs.replace(METADATA.properties["name"], max_size=253),
                    }
                ),
            ),
            "data": Shape(type="object", values=_CONTENT, max_size=1024),
            "binaryData": Shape(type="object", values=_CONTENT, max_size=1024),
            "immutable": Shape(type="boolean"),
        }
    ),
)
"""A ConfigMap that policies refer to, as an API server takes it."""


@cache
def object_shape(kind: Kind) -> Shape:
    """A whole object of a kind as a person writes it: without status."""
    return Shape(
        type="object",
        required=("apiVersion", "kind", "metadata", "spec"),
        properties=MappingProxyType(
            {
                "apiVersion": Shape(type="string", enum=(API_VERSION,)),
                "kind": Shape(type="string", enum=(kind.name,)),
                "metadata": METADATA,
                "spec": shape_of(kind.spec),
            }
        ),
    )
