"""Evaluate the CEL rules that CRDs carry, on the JSON form of an object with its defaults filled in."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from cel_expr_python import cel

from forebay_api.admission.fault import Fault
from forebay_api.base import CelRule, Each
from forebay_api.path import Path
from forebay_api.schema.shape import Shape


class RuleError(Exception):
    """A rule of the contract itself that cannot be compiled or evaluated: a fault of ours, not of the manifest."""


def check_rules(value: Any, shape: Shape, bad: frozenset[Path], path: Path = ()) -> Iterator[Fault]:
    """Faults of every rule, except on objects that have a fault already (`bad` holds those and all that contain them).

    Rules may assume that what they read has the right type, so there they would only say misleading things.
    """
    match value:
        case dict():
            if path not in bad:
                for rule in shape.rules:
                    yield from _check_rule(rule, value, path)
            for key, member in value.items():
                below = shape.values or shape.properties.get(key)
                if below is not None:
                    yield from check_rules(member, below, bad, (*path, key))
        case list() if shape.items is not None:
            for index, item in enumerate(value):
                yield from check_rules(item, shape.items, bad, (*path, index))


def _check_rule(rule: CelRule, value: dict[str, Any], path: Path) -> Iterator[Fault]:
    if holds(rule.rule, {"self": value}):
        return
    if rule.each is None:
        yield Fault((*path, *rule.field_path.strip(".").split(".")) if rule.field_path else path, rule.message)
        return
    for place in _breaking_items(rule.each, value):
        yield Fault((*path, *place), rule.message)


def _breaking_items(each: Each, value: dict[str, Any]) -> Iterator[Path]:
    for index, item in enumerate(value[each.items]):
        if not holds(each.holds, {"self": value, each.variable: item}):
            yield (each.items, index, each.at) if each.at else (each.items, index)


def holds(rule: str, variables: dict[str, Any]) -> bool:
    """Whether a rule is true of the variables. Raises RuleError where it has no boolean value."""
    result = _compile(rule, tuple(variables)).eval(data=variables)
    if result.type() != cel.Type.BOOL:
        raise RuleError(f"{rule}: {result.value()}")
    return bool(result.value())


@cache
def _compile(rule: str, names: tuple[str, ...]) -> cel.Expression:
    try:
        return _environment(names).compile(rule)
    except RuntimeError as error:
        raise RuleError(f"{rule}: {error}") from error


_ANYTHING: Final = cel.Type.DYN


@cache
def _environment(names: tuple[str, ...]) -> cel.Env:
    return cel.NewEnv(variables=dict.fromkeys(names, _ANYTHING))
