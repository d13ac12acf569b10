"""Three-valued logic over CEL leaves: an expression is split at ``&&``, ``||`` and ``!``, and only leaves go to CEL.

So a leaf is evaluated once a request, as soon as its signals are known, and whatever is settled without a leaf never
evaluates it, nor computes the signals that only it wants. CEL's own ``&&`` and ``||`` absorb errors in the same way
(cel-spec, logical operators), so the split changes no result.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from cel.expr import checked_pb2
from google.protobuf import any_pb2

_PRIMITIVE = checked_pb2.Type.PrimitiveType  # type: ignore[attr-defined]
_BOOL: Final = _PRIMITIVE.Value("BOOL")
_LITERALS: Final = {
    _PRIMITIVE.Value("INT64"): "int64_value",
    _PRIMITIVE.Value("DOUBLE"): "double_value",
    _PRIMITIVE.Value("STRING"): "string_value",
}
_COMPARE: Final[Mapping[str, tuple[Callable[[Any, Any], bool], Callable[[Any, Any], bool]]]] = {
    "_==_": (operator.eq, operator.eq),
    "_!=_": (operator.ne, operator.ne),
    "_<_": (operator.lt, operator.gt),
    "_<=_": (operator.le, operator.ge),
    "_>_": (operator.gt, operator.lt),
    "_>=_": (operator.ge, operator.le),
}
"""CEL's operator -> Python's, and Python's with the sides exchanged."""


class Known(Protocol):
    """What leaves are evaluated against."""

    @property
    def values(self) -> Mapping[str, Any]:
        """The variables that are known."""
        ...

    def evaluate(self, leaf: Leaf) -> bool | None:
        """A leaf's value, None while a signal it wants is missing or where it has none (a CEL error)."""
        ...


class Node(Protocol):
    """Part of an expression. `truth` is True, False or None for unknown; `wanted` yields the signals that could still
    settle it, those of settled parts left out."""

    def truth(self, known: Known) -> bool | None: ...
    def wanted(self, known: Known) -> Iterator[str]: ...


class Comparison:
    """One variable by itself, or compared with a literal of its own type: a look-up and an operator, without CEL.

    Between values of one type Python's operators are CEL's: integers are exact, doubles are IEEE 754, text compares by
    code point.
    """

    __slots__ = ("compare", "literal", "signal", "variable")

    def __init__(self, variable: str, compare: Callable[[Any, Any], bool], literal: Any) -> None:
        self.variable = variable
        self.compare = compare
        self.literal = literal
        self.signal = variable.split(".")[1] if variable.startswith("signals.") else ""

    def truth(self, known: Known) -> bool | None:
        value = known.values.get(self.variable)
        return None if value is None else self.compare(value, self.literal)

    def wanted(self, known: Known) -> Iterator[str]:
        if self.signal and self.variable not in known.values:
            yield self.signal


class Leaf:
    """Anything else: a CEL program, with the variables and signals it reads."""

    __slots__ = ("program", "signals", "variables")

    def __init__(self, program: Any, variables: frozenset[str]) -> None:
        self.program = program
        self.variables = tuple(sorted(variables))
        self.signals = tuple(sorted({name.split(".")[1] for name in variables if name.startswith("signals.")}))

    def truth(self, known: Known) -> bool | None:
        return known.evaluate(self)

    def wanted(self, known: Known) -> Iterator[str]:
        if self.signals and known.evaluate(self) is None:
            yield from self.signals


class Not:
    __slots__ = ("inner",)

    def __init__(self, inner: Node) -> None:
        self.inner = inner

    def truth(self, known: Known) -> bool | None:
        value = self.inner.truth(known)
        return None if value is None else not value

    def wanted(self, known: Known) -> Iterator[str]:
        return self.inner.wanted(known)


class Combination:
    """``&&`` (`decisive` is False) or ``||`` (`decisive` is True): one decisive part settles the whole."""

    __slots__ = ("decisive", "parts")

    def __init__(self, decisive: bool, parts: tuple[Node, ...]) -> None:
        self.decisive = decisive
        self.parts = parts

    def truth(self, known: Known) -> bool | None:
        result: bool | None = not self.decisive
        for part in self.parts:
            value = part.truth(known)
            if value is self.decisive:
                return value
            if value is None:
                result = None
        return result

    def wanted(self, known: Known) -> Iterator[str]:
        if self.truth(known) is None:
            for part in self.parts:
                yield from part.wanted(known)


def split(serialized: bytes, environment: Any) -> Node:
    """The logic of an expression that ``cel.Expression.serialize`` wrote; leaves become programs of `environment`."""
    checked = checked_pb2.CheckedExpr.FromString(any_pb2.Any.FromString(serialized).value)  # type: ignore[attr-defined]
    names = {node: ref.name for node, ref in checked.reference_map.items() if ref.name and not ref.overload_id}
    kinds = {node: kind.primitive for node, kind in checked.type_map.items()}

    def build(expr: Any) -> Node:
        function = expr.call_expr.function if expr.WhichOneof("expr_kind") == "call_expr" else ""
        if function in ("_&&_", "_||_"):
            decisive = function == "_||_"
            parts: list[Node] = []
            for argument in expr.call_expr.args:
                part = build(argument)
                same = isinstance(part, Combination) and part.decisive == decisive
                parts.extend(part.parts if same and isinstance(part, Combination) else (part,))
            return Combination(decisive, tuple(parts))
        if function == "!_":
            return Not(build(expr.call_expr.args[0]))
        test = _test(expr, function, names, kinds)
        if test is not None:
            return test
        return Leaf(_program(expr, checked, environment), frozenset(_variables(expr, names)))

    return build(checked.expr)


def _test(expr: Any, function: str, names: Mapping[int, str], kinds: Mapping[int, int]) -> Comparison | None:
    """The expression as a comparison, where it is one."""
    if expr.id in names:
        return Comparison(names[expr.id], operator.is_, True) if kinds.get(expr.id) == _BOOL else None
    if function not in _COMPARE:
        return None
    left, right = expr.call_expr.args
    compare, mirrored = _COMPARE[function]
    if right.id in names:
        left, right, compare = right, left, mirrored
    kind = kinds.get(left.id, 0)
    if left.id not in names or right.WhichOneof("expr_kind") != "const_expr":
        return None
    field = _LITERALS.get(kind)
    if field is None or right.const_expr.WhichOneof("constant_kind") != field:
        return None
    return Comparison(names[left.id], compare, getattr(right.const_expr, field))


def _program(expr: Any, whole: Any, environment: Any) -> Any:
    part = checked_pb2.CheckedExpr(expr=expr)  # type: ignore[attr-defined]
    for kind in ("reference_map", "type_map"):
        for node, value in getattr(whole, kind).items():
            getattr(part, kind)[node].CopyFrom(value)
    packed = any_pb2.Any()
    packed.Pack(part)
    return environment.deserialize(packed.SerializeToString())


def _variables(expr: Any, names: dict[int, str]) -> Iterator[str]:
    for node in walk(expr):
        if node.id in names:
            yield names[node.id]


def walk(expr: Any) -> Iterator[Any]:
    """Every node of a syntax tree, the root first."""
    stack = [expr]
    while stack:
        node = stack.pop()
        yield node
        kind = node.WhichOneof("expr_kind")
        if kind == "select_expr":
            stack.append(node.select_expr.operand)
        elif kind == "call_expr":
            if node.call_expr.HasField("target"):
                stack.append(node.call_expr.target)
            stack.extend(node.call_expr.args)
        elif kind == "list_expr":
            stack.extend(node.list_expr.elements)
        elif kind == "struct_expr":
            stack.extend(entry.value for entry in node.struct_expr.entries)
            stack.extend(e.map_key for e in node.struct_expr.entries if e.WhichOneof("key_kind") == "map_key")
        elif kind == "comprehension_expr":
            fold = node.comprehension_expr
            stack += [fold.iter_range, fold.accu_init, fold.loop_condition, fold.loop_step, fold.result]
