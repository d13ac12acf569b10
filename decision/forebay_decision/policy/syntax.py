"""What an expression refers to, read off its checked syntax tree: variables, header names, pool names, labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from cel.expr import checked_pb2
from google.protobuf import any_pb2

from forebay_decision.policy.logic import walk
from forebay_decision.policy.variables import HEADERS, POOLS


class Literal(msgspec.Struct, frozen=True):
    """A string literal and the node that holds it; None stands for an index that is not a literal."""

    text: str | None
    node: int


class References(msgspec.Struct, frozen=True):
    """Everything a policy check or an evaluator wants to know about one expression."""

    variables: frozenset[str]
    signals: frozenset[str]
    headers: tuple[Literal, ...]
    pools: tuple[Literal, ...]
    pool_fields: tuple[Literal, ...]
    labels: tuple[tuple[str, Literal], ...]
    """(signal name, label it is compared with)."""
    patterns: tuple[Literal, ...]
    """What `matches` is given."""
    absence: tuple[int, ...]
    """Nodes that ask whether a pool is known (`in pools`, `has(pools.x)`)."""
    root: str | None
    """The field, where the whole expression is an access such as ``pools["small"].saturated``."""
    positions: dict[int, int]


def read_references(serialized: bytes) -> References:
    """References of an expression that ``cel.Expression.serialize`` wrote."""
    packed = any_pb2.Any.FromString(serialized)
    checked = checked_pb2.CheckedExpr.FromString(packed.value)  # type: ignore[attr-defined]
    names = {node: ref.name for node, ref in checked.reference_map.items() if ref.name and not ref.overload_id}
    headers: list[Literal] = []
    pools: list[Literal] = []
    fields: list[Literal] = []
    labels: list[tuple[str, Literal]] = []
    patterns: list[Literal] = []
    absence: list[int] = []
    for node in walk(checked.expr):
        container, key = _access(node)
        if container is not None and key is not None:
            name = names.get(container.id)
            if name == HEADERS:
                headers.append(key)
            elif name == POOLS:
                pools.append(key)
                if _asks_presence(node):
                    absence.append(node.id)
            else:
                inner, _ = _access(container)
                if inner is not None and names.get(inner.id) == POOLS:
                    fields.append(key)
        labels.extend(_label_comparisons(node, names))
        if node.WhichOneof("expr_kind") == "call_expr" and node.call_expr.function == "matches":
            patterns.append(_literal(node.call_expr.args[-1]))
    return References(
        frozenset(names.values()),
        frozenset(name.split(".")[1] for name in names.values() if name.startswith("signals.")),
        tuple(headers),
        tuple(pools),
        tuple(fields),
        tuple(labels),
        tuple(patterns),
        tuple(absence),
        key.text if (key := _access(checked.expr)[1]) is not None else None,
        dict(checked.source_info.positions),
    )


def _access(node: Any) -> tuple[Any | None, Literal | None]:
    """Container and key of ``container["key"]``, ``container.key`` or ``"key" in container``."""
    kind = node.WhichOneof("expr_kind")
    if kind == "select_expr":
        return node.select_expr.operand, Literal(node.select_expr.field, node.id)
    if kind == "call_expr" and node.call_expr.function == "_[_]":
        container, key = node.call_expr.args
        return container, _literal(key)
    if kind == "call_expr" and node.call_expr.function == "@in":
        key, container = node.call_expr.args
        return container, _literal(key)
    return None, None


def _asks_presence(node: Any) -> bool:
    kind = node.WhichOneof("expr_kind")
    return bool(node.select_expr.test_only) if kind == "select_expr" else node.call_expr.function == "@in"


def _literal(node: Any) -> Literal:
    text = node.const_expr.string_value if _is_text(node) else None
    return Literal(text, node.id)


def _is_text(node: Any) -> bool:
    is_constant: bool = node.WhichOneof("expr_kind") == "const_expr"
    return is_constant and node.const_expr.WhichOneof("constant_kind") == "string_value"


def _label_comparisons(node: Any, names: dict[int, str]) -> Iterator[tuple[str, Literal]]:
    if node.WhichOneof("expr_kind") != "call_expr":
        return
    call = node.call_expr
    if call.function not in ("_==_", "_!=_", "@in", "_[_]"):
        return
    sides = list(call.args)
    for this, other in (sides, sides[::-1]):
        variable = names.get(this.id, "")
        if not variable.startswith("signals.") or variable.split(".")[-1] not in (
            "label",
            "labels",
            "scores",
            "counts",
        ):
            continue
        compared = other.list_expr.elements if other.WhichOneof("expr_kind") == "list_expr" else [other]
        for item in compared:
            if _is_text(item):
                yield variable.split(".")[1], _literal(item)
