"""Who may attach policies to a listener of Forebay's own Envoy: Gateway API's `allowedRoutes`, also by host name.

Namespaces are told apart by their names alone: the operator reads no Namespace, so it knows no other label of theirs.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from msgspec import Meta, field

from forebay_api.base import CelRule, Strict
from forebay_api.quantities import Hostname, Namespace
from forebay_api.signal import ATOMIC

NAME_LABEL: Final = "kubernetes.io/metadata.name"
"""The label that every Namespace has, and whose value is its name."""
NameLabel = Literal["kubernetes.io/metadata.name"]


class NamespaceRequirement(Strict, frozen=True, kw_only=True):
    key: Annotated[NameLabel, Meta(description="The label that holds a namespace's name: no other is known.")]
    operator: Annotated[Literal["In", "NotIn"], Meta(description="Whether the name has to be among `values`, or not.")]
    values: Annotated[
        list[Namespace],
        Meta(min_length=1, max_length=256, description="Names of namespaces.", extra_json_schema=ATOMIC),
    ]

    def holds(self, namespace: str) -> bool:
        return (namespace in self.values) == (self.operator == "In")


class NamespaceSelector(Strict, frozen=True):
    """A label selector over namespaces; all that it asks has to hold, and an empty one selects every namespace."""

    match_labels: Annotated[
        dict[NameLabel, Namespace],
        Meta(max_length=1, description="`kubernetes.io/metadata.name`: the name of one namespace."),
    ] = {}
    match_expressions: Annotated[
        list[NamespaceRequirement],
        Meta(max_length=16, description="For several namespaces, or all but some.", extra_json_schema=ATOMIC),
    ] = []

    def selects(self, namespace: str) -> bool:
        named = all(name == namespace for name in self.match_labels.values())
        return named and all(each.holds(namespace) for each in self.match_expressions)


class RouteNamespaces(Strict, frozen=True):
    """Namespaces whose policies may attach."""

    cel_rules: ClassVar = (
        CelRule(
            "(self.from == 'Selector') == has(self.selector)",
            "a selector goes with from: Selector, and from: Selector with a selector",
            ".selector",
        ),
    )
    from_: Annotated[Literal["All", "Selector"], Meta(description="All, or those that `selector` selects.")] = field(
        name="from", default="All"
    )
    selector: Annotated[NamespaceSelector, Meta(description="Which ones.")] | None = None

    def admit(self, namespace: str) -> bool:
        return self.selector is None or self.selector.selects(namespace)


class AllowedRoutes(Strict, frozen=True):
    """Whose policies may attach, as Gateway API says it of a Gateway's listener."""

    namespaces: Annotated[RouteNamespaces, Meta(description="By namespace.")] = RouteNamespaces()


class AllowedHostname(Strict, frozen=True, kw_only=True):
    """Who may attach policies to some host names of a listener."""

    hostname: Annotated[
        Hostname,
        Meta(description="Exact name or `*.suffix`; the most specific entry that covers a host counts for it."),
    ]
    allowed_routes: Annotated[AllowedRoutes, Meta(description="In the listener's stead.")]
