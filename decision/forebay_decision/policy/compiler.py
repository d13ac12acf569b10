"""From a policy's rules to expressions and a vantage point: the part of compiling that needs no encoder."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from forebay_api.policy import PolicySpec
from forebay_decision.errors import PolicyError
from forebay_decision.policy.expression import Vocabulary, compile_expressions
from forebay_decision.policy.rules import CompiledRule
from forebay_decision.policy.vantage import SignalVariables, Vantage
from forebay_decision.policy.variables import IDENTITY, REQUEST, declare
from forebay_decision.served import policy_pools, qualified
from forebay_decision.signals.detector import Detector
from forebay_decision.signals.labels import known_labels


class CompiledRules(msgspec.Struct, frozen=True):
    """`rules` are complete only where `errors` is empty."""

    rules: tuple[CompiledRule, ...]
    errors: tuple[PolicyError, ...]
    environment: object


def compile_rules(name: str, spec: PolicySpec) -> CompiledRules:
    """Type-check and compile every rule of policy ``namespace/name``."""
    vocabulary = Vocabulary(
        declared=declare(spec.signals),
        pools=frozenset(pool.partition("/")[2] for pool in policy_pools(name, spec)),
        labels={signal.name: labels for signal in spec.signals if (labels := known_labels(signal)) is not None},
    )
    texts = [(f"spec.rules[{index}].when", rule.when) for index, rule in enumerate(spec.rules)]
    environment, expressions, errors = compile_expressions(texts, vocabulary)
    rules = () if errors else tuple(map(CompiledRule, spec.rules, expressions))
    return CompiledRules(rules, tuple(errors), environment)


def look_out(name: str, spec: PolicySpec, compiled: CompiledRules, detectors: Mapping[str, Detector]) -> Vantage:
    """What evaluating these rules has to look at, and nothing else."""
    asked = [rule.when.references for rule in compiled.rules]
    variables = frozenset[str]().union(*(references.variables for references in asked))
    headers = {literal.text.lower() for references in asked for literal in references.headers if literal.text}
    pools = {literal.text for references in asked for literal in references.pools if literal.text}
    sources = {"tenant": spec.identity.tenant, "user": spec.identity.user}
    return Vantage(
        environment=compiled.environment,
        variables=tuple(sorted(variables.intersection(REQUEST))),
        headers=tuple(sorted(headers)),
        pools=tuple((pool, qualified(name, pool)) for pool in sorted(pools)),
        detectors=detectors,
        names={signal: SignalVariables.of(signal, detector.kind) for signal, detector in detectors.items()},
        identity={variable: sources[variable] for variable in IDENTITY if variable in variables},
    )
