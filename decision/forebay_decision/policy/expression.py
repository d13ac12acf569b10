"""Expressions: compiled and type-checked, with every mistake at its place in the manifest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from cel_expr_python import cel

from forebay_decision.errors import PolicyError
from forebay_decision.policy.hints import did_you_mean, hint, there_are
from forebay_decision.policy.logic import Node, split
from forebay_decision.policy.syntax import References, read_references
from forebay_decision.policy.variables import POOL_FIELDS
from forebay_decision.signals.regex import PatternError, compile_linear

_ERROR_LINE = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*?)(?: \(in container '.*'\))?$", re.MULTILINE)
_AFTER_AN_ERROR = "*error*"
"""CEL's type of what it has complained about already."""


class Expression(msgspec.Struct, frozen=True):
    """A boolean CEL expression, ready to be evaluated."""

    text: str
    logic: Node
    references: References


class Vocabulary(msgspec.Struct, frozen=True):
    """What expressions of one policy may name beyond variables: its pools, and the labels of each signal."""

    declared: Mapping[str, Any]
    pools: frozenset[str]
    labels: Mapping[str, frozenset[str]]


def compile_expressions(
    texts: Iterable[tuple[str, str]], vocabulary: Vocabulary
) -> tuple[cel.Env, list[Expression], list[PolicyError]]:
    """Compile (manifest path, text) pairs; every mistake is an error with ``path: line:column``, none hides another.

    Returns the CEL environment that activations are made from, the expressions, and the errors.
    """
    environment = cel.NewEnv(variables=dict(vocabulary.declared))
    compiled: list[Expression] = []
    errors: list[PolicyError] = []
    for path, text in texts:
        try:
            program = environment.compile(text)
        except RuntimeError as error:
            errors += _compile_errors(path, str(error), vocabulary)
            continue
        references = read_references(program.serialize())
        kind = program.return_type()
        if kind != cel.Type.BOOL and not (kind == cel.Type.DYN and references.root == "saturated"):
            name = "number" if kind == cel.Type.DYN else kind.name().lower()
            errors.append(PolicyError(path, f"1:1: the condition is of type {name}, but a rule needs a boolean"))
            continue
        mistakes = _literal_errors(path, text, references, vocabulary)
        errors += mistakes
        if not mistakes:
            compiled.append(Expression(text, split(program.serialize(), environment), references))
    return environment, compiled, errors


def _compile_errors(path: str, message: str, vocabulary: Vocabulary) -> list[PolicyError]:
    found = [m for m in _ERROR_LINE.findall(message) if m[0] != "-1" and _AFTER_AN_ERROR not in m[2]]
    if "recursion limit exceeded" in message:
        return [PolicyError(path, "nested too deeply: take parentheses away, or split it into several rules")]
    if not found:
        return [PolicyError(path, message.splitlines()[0])]
    return [
        PolicyError(path, f"{line}:{column}: {text}{hint(text, vocabulary.declared)}") for line, column, text in found
    ]


def _literal_errors(path: str, text: str, references: References, vocabulary: Vocabulary) -> list[PolicyError]:
    def error(node: int, message: str) -> PolicyError:
        offset = references.positions.get(node, 0)
        line = text.count("\n", 0, offset) + 1
        column = offset - (text.rfind("\n", 0, offset) + 1) + 1
        return PolicyError(path, f"{line}:{column}: {message}")

    errors = [
        error(header.node, "request.headers wants a literal name, so that only the headers a policy names are read")
        for header in references.headers
        if header.text is None
    ]
    errors += [
        error(header.node, f"header names are lower-case in request.headers: write {header.text.lower()!r}")
        for header in references.headers
        if header.text is not None and header.text != header.text.lower()
    ]
    errors += [
        error(
            node,
            "do not ask whether a pool is known: without a state its fields are unknown, and onUnknown says what that means",
        )
        for node in references.absence
    ]
    for pool in references.pools:
        if pool.text is None:
            errors.append(error(pool.node, 'pools wants a literal name, as in pools["small"]'))
        elif pool.text not in vocabulary.pools:
            near = did_you_mean(pool.text, vocabulary.pools)
            errors.append(error(pool.node, f"no strategy of this policy uses a pool {pool.text!r}{near}"))
    for field in references.pool_fields:
        if field.text not in POOL_FIELDS:
            near = did_you_mean(field.text or "", POOL_FIELDS) or f"; there are {', '.join(POOL_FIELDS)}"
            errors.append(error(field.node, f"a pool has no {field.text!r}{near}"))
    for pattern in references.patterns:
        if pattern.text is not None:
            try:
                compile_linear(pattern.text)
            except PatternError as wrong:
                errors.append(error(pattern.node, f"matches wants a pattern of RE2: {wrong}"))
    for signal, label in references.labels:
        known = vocabulary.labels.get(signal)
        if known is not None and label.text is not None and label.text not in known:
            near = did_you_mean(label.text, known) or there_are(known)
            errors.append(error(label.node, f"signal {signal} has no label {label.text!r}{near}"))
    return errors
