"""What a policy keeps beside itself, in ConfigMaps of its namespace: lists that are too long to read in a policy,
and models of one's own.

Only ConfigMaps that carry LABEL are read: a cluster has many, some of them large, and an API server can select by a label.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

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


class BadBinary(ValueError):
    """A key of `binaryData` whose value is no base64. `key` names it."""

    def __init__(self, key: str) -> None:
        super().__init__("must be base64, as `kubectl create configmap --from-file` writes it")
        self.key = key


def read_config_map(value: Mapping[str, Any]) -> ConfigMap:
    """A ConfigMap from decoded JSON of its shape. Of its metadata only the name counts. Raises BadBinary."""
    binary: dict[str, bytes] = {}
    for key, encoded in (value.get("binaryData") or {}).items():
        try:
            # As at an API server, line breaks are no part of it.
            binary[key] = b64decode(encoded.replace("\n", "").replace("\r", ""), validate=True)
        except ValueError:
            raise BadBinary(key) from None
    metadata = value["metadata"]
    return ConfigMap(
        metadata=ObjectMeta(name=metadata["name"], namespace=metadata.get("namespace") or "default"),
        data=dict(value.get("data") or {}),
        binary_data=binary,
    )


def is_policy_data(value: Any) -> bool:
    """Whether an object, as decoded JSON, is a ConfigMap that policies may refer to."""
    if not isinstance(value, dict) or value.get("apiVersion") != CONFIG_MAP_VERSION or value.get("kind") != "ConfigMap":
        return False
    metadata = value.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    return isinstance(labels, dict) and LABEL in labels
