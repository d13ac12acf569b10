"""Evaluate the CEL rules that CRDs carry, on the JSON form of an object with its defaults filled in.

Rules over lists are evaluated item by item: that says which item is to blame, and stays within CEL's iteration budget.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from cel_expr_python import cel

from forebay_api.admission.fault import Fault, suggest
from forebay_api.base import CelRule, Each, Unique
from forebay_api.path import Path
from forebay_api.schema.shape import Shape

_READ: Final = re.compile(r"\bself\.(\w+)")


class RuleError(Exception):
    """A rule that has no boolean value for an object."""


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
    try:
        for place in _breaking_places(rule, value):
            yield Fault((*path, *place), rule.message + _near(rule, value, place))
    except RuleError as error:
        # As an API server does: what cannot be checked is refused.
        yield Fault(path, f"could not be checked ({error}) for: {rule.message}")


def _near(rule: CelRule, value: dict[str, Any], place: Path) -> str:
    """The name that is meant where the rule wants one of a list's."""
    if not rule.among:
        return ""
    meant: Any = value
    for step in place:
        meant = meant[step]
    return suggest(str(meant), (item["name"] for item in value[rule.among]))


def _breaking_places(rule: CelRule, value: dict[str, Any]) -> Iterator[Path]:
    match rule.parts:
        case None:
            if not holds(rule.rule, {"self": _read_by(rule.rule, value)}):
                yield tuple(rule.field_path.strip(".").split(".")) if rule.field_path else ()
        case Each(items, variable, condition, at):
            read = _read_by(condition, value)
            for index, item in enumerate(value[items]):
                if not holds(condition, {"self": read, variable: item}):
                    yield (items, index, at) if at else (items, index)
        case Unique(items, key):
            seen = set()
            for index, item in enumerate(value[items]):
                if item[key] in seen:
                    yield (items, index, key)
                seen.add(item[key])


def _read_by(rule: str, value: dict[str, Any]) -> dict[str, Any]:
    # Each evaluation copies the whole of its variables; the phrases of a large policy would cost milliseconds a time.
    return {name: value[name] for name in _READ.findall(rule) if name in value}


def holds(rule: str, variables: dict[str, Any]) -> bool:
    """Whether a rule is true of the variables. Raises RuleError where it has no boolean value."""
    try:
        result = _compile(rule, tuple(variables)).eval(data=variables)
    except RuntimeError as error:
        raise RuleError(str(error)) from error
    if result.type() != cel.Type.BOOL:
        raise RuleError(str(result.value()))
    return bool(result.value())


@cache
def _compile(rule: str, names: tuple[str, ...]) -> cel.Expression:
    return _environment(names).compile(rule)


_ANYTHING: Final = cel.Type.DYN


@cache
def _environment(names: tuple[str, ...]) -> cel.Env:
    return cel.NewEnv(variables=dict.fromkeys(names, _ANYTHING))
