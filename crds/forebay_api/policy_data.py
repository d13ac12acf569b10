"""What a policy keeps beside itself, in ConfigMaps of its namespace: lists that are too long to read in a policy,
and models of one's own.

Only ConfigMaps that carry LABEL are read: a cluster has many, some of them large, and an API server can select by a label.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

from msgspec import Meta

from forebay_api.base import ObjectMeta, Strict, Tolerant
from forebay_api.quantities import ObjectName

LABEL: Final = "forebay.dev/policy-data"
"""With any value."""
CONFIG_MAP_VERSION: Final = "v1"


class ConfigMapKey(Strict, frozen=True):
    name: Annotated[
        ObjectName, Meta(description=f"ConfigMap in the policy's namespace; it carries the label `{LABEL}`.")
    ]
    key: Annotated[
        str,
        Meta(
            pattern=r"^[-._a-zA-Z0-9]+$",
            max_length=253,
            description="Key inside the ConfigMap.",
            examples=["phrases", "words.txt"],
        ),
    ]


class ListSource(Strict, frozen=True):
    """One item a line, without the spaces around it; empty lines and those that begin with `#` are none. `\\#` begins an item with `#`."""

    config_map_ref: Annotated[ConfigMapKey, Meta(description="The key of its `data` that holds them.")]


class ConfigMap(Tolerant, frozen=True, kw_only=True):
    """The part of a ConfigMap that is read. Two of the same content are equal, whatever else is written on them."""

    kind: Literal["ConfigMap"] = "ConfigMap"
    metadata: ObjectMeta
    data: dict[str, str] = {}
    binary_data: dict[str, bytes] = {}

    api_version: ClassVar[str] = CONFIG_MAP_VERSION


def is_policy_data(value: Any) -> bool:
    """Whether an object, as decoded JSON, is a ConfigMap that policies may refer to."""
    if not isinstance(value, dict) or value.get("apiVersion") != CONFIG_MAP_VERSION or value.get("kind") != "ConfigMap":
        return False
    metadata = value.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    return isinstance(labels, dict) and LABEL in labels
