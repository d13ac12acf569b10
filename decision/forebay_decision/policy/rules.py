"""Rules: which one decides, what all `constrain` rules demand, and what an unknown condition means."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import msgspec

from forebay_api.rule import Rule
from forebay_decision.policy.expression import Expression
from forebay_decision.policy.facts import Facts
from forebay_decision.select.demand import Demand
from forebay_decision.signals.detector import Detector
from forebay_decision.work import Work


class CompiledRule(msgspec.Struct, frozen=True):
    """A rule, its condition, and the signals that the condition asks for, cheapest first."""

    rule: Rule
    when: Expression
    asks: tuple[Detector, ...] = ()


class Ruling(msgspec.Struct, frozen=True):
    """What the rules say. `decided` is None where the policy's default applies; `undecidable` marks a reject rule
    whose condition stayed unknown, which must neither let the request pass nor call it guilty."""

    decided: CompiledRule | None
    demand: Demand
    constrained_by: tuple[str, ...]
    undecidable: bool = False


def judge(
    rules: Sequence[CompiledRule], facts: Facts, *, named_model: bool, endpoint: str
) -> Generator[Work, object, Ruling]:
    """Walk the rules in order; the first that matches decides. Every `constrain` rule counts, wherever it stands:
    its purpose is to keep text in, and a rule above it must not let text out.

    `named_model`: the caller named a served model, so `use` and `respond` do not apply.
    """
    demand = Demand()
    constrained: list[str] = []
    decided: CompiledRule | None = None
    undecidable = False
    for rule in rules:
        spec = rule.rule
        if spec.constrain is None and (decided is not None or _not_applicable(spec, named_model, endpoint)):
            continue
        value = yield from facts.settle(rule.when, rule.asks)
        if spec.constrain is not None:
            # An unknown condition counts as matched: a failing signal must not open a guarded path.
            if value is not False:
                demand = demand.narrowed(spec.constrain)
                constrained.append(spec.name)
        elif value or (value is None and spec.on_unknown == "Match"):
            decided = rule
        elif value is None and spec.reject is not None and spec.on_unknown is None:
            decided, undecidable = rule, True
        if decided is not None and not decided.rule.use:
            break
    return Ruling(decided, demand, tuple(constrained), undecidable)


def _not_applicable(rule: Rule, named_model: bool, endpoint: str) -> bool:
    if rule.respond is not None and endpoint == "Embeddings":
        return True
    return named_model and rule.reject is None
