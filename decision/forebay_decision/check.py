"""Checks that need more than one field or another object: what the operator's conditions and `forebay validate` say."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.reasons import Reason
from forebay_api.strategy import PoolRef
from forebay_decision.policy.compiler import compile_rules
from forebay_decision.select.demand import Demand, unmet
from forebay_decision.served import policy_pools, qualified
from forebay_decision.signals.labels import known_labels
from forebay_decision.signals.language import LanguageDetector
from forebay_decision.signals.pii import PiiDetector
from forebay_decision.signals.regex import PatternError, RegexDetector

_BUILT: Final[Mapping[str, tuple[str, Callable[[str, Any], object]]]] = {
    "regex": ("pattern", RegexDetector),
    "pii": ("countries", PiiDetector),
    "language": ("is", LanguageDetector),
}
"""Kinds whose detector may refuse what the schema admits -> the field to blame, and what builds it."""
_COMPARED: Final = 100


class Finding(msgspec.Struct, frozen=True):
    """One thing to mend or to know. An Error keeps the policy out; a Warning does not."""

    path: str
    message: str
    reason: Reason = "Invalid"
    severity: Literal["Error", "Warning"] = "Error"


def check_policy(name: str, spec: PolicySpec, pools: Mapping[str, PoolSpec]) -> tuple[Finding, ...]:
    """All findings of one policy; `pools` are those that exist, by ``namespace/name``."""
    findings = [
        *_names(spec),
        *_signals(spec),
        *_strategies(name, spec, pools),
        *_constraints(name, spec, pools),
        *_fail_open(name, spec, pools),
        *(Finding(error.path, error.message) for error in compile_rules(name, spec).errors),
    ]
    return tuple(findings)


def _names(spec: PolicySpec) -> Iterator[Finding]:
    for kind, names in (("signals", [s.name for s in spec.signals]), ("rules", [r.name for r in spec.rules])):
        for index, name in enumerate(names):
            if (first := names.index(name)) != index:
                yield Finding(f"spec.{kind}[{index}].name", f"{name!r} is also the name of spec.{kind}[{first}]")


def _signals(spec: PolicySpec) -> Iterator[Finding]:
    for index, signal in enumerate(spec.signals):
        if signal.kind in _BUILT:
            field, detector = _BUILT[signal.kind]
            try:
                detector(signal.name, signal.spec)
            except PatternError as error:
                yield Finding(f"spec.signals[{index}].{signal.kind}.{field}", str(error))
        if signal.classifier is not None and (known := known_labels(signal)) is not None:
            for position, label in enumerate(signal.classifier.labels or ()):
                if label not in known:
                    message = f"model {signal.classifier.model!r} has no label {label!r}{_close(label, known)}"
                    yield Finding(f"spec.signals[{index}].classifier.labels[{position}]", message)
        for position, phrase in enumerate(signal.keyword.any or () if signal.keyword is not None else ()):
            if not phrase.strip():
                message = "white space alone stands in nearly every text: remove it, or write the words that are meant"
                yield Finding(f"spec.signals[{index}].keyword.any[{position}]", message)


def _strategies(name: str, spec: PolicySpec, pools: Mapping[str, PoolSpec]) -> Iterator[Finding]:
    strategies = {strategy.name for strategy in spec.strategies}
    for index, rule in enumerate(spec.rules):
        if rule.use is not None and rule.use not in strategies:
            yield Finding(f"spec.rules[{index}].use", _missing("strategy", rule.use, strategies))
    if spec.default.use not in strategies:
        yield Finding("spec.default.use", _missing("strategy", spec.default.use, strategies))
    for index, strategy in enumerate(spec.strategies):
        direct = strategy.direct
        for kind, refs in (("pools", direct.pools), ("fallback", direct.fallback)):
            for position, ref in enumerate(refs):
                yield from _reference(f"spec.strategies[{index}].direct.{kind}[{position}]", name, ref, pools)
        weights = [ref.weight for ref in direct.pools]
        path = f"spec.strategies[{index}].direct"
        if direct.select.algorithm == "Weighted":
            if None in weights:
                position = weights.index(None)
                yield Finding(f"{path}.pools[{position}].weight", "algorithm Weighted needs a weight on every pool")
            elif not any(weights):
                yield Finding(f"{path}.pools", "every weight is 0, so nothing could ever be picked")
        elif any(weight is not None for weight in weights):
            yield Finding(f"{path}.pools", "weights count only under select.algorithm Weighted")
        if direct.select.algorithm == "RoundRobin" and len(tiers := _quality_tiers(name, direct.pools, pools)) > 1:
            stated = ", ".join(f"{tier:g}" for tier in sorted(tiers))
            message = f"RoundRobin takes turns between models of different stated quality ({stated})"
            yield Finding(f"{path}.select.algorithm", message, severity="Warning")


def _reference(path: str, policy: str, ref: PoolRef, pools: Mapping[str, PoolSpec]) -> Iterator[Finding]:
    pool = pools.get(qualified(policy, ref.name))
    namespace = policy.partition("/")[0]
    if pool is None:
        names = [other.partition("/")[2] for other in pools if other.startswith(namespace + "/")]
        message = f"there is no ModelPool {ref.name!r} in namespace {namespace!r}{_close(ref.name, names)}"
        yield Finding(path + ".name", message, reason="PoolNotFound")
    elif ref.model is not None and ref.model not in (models := [model.name for model in pool.models]):
        yield Finding(path + ".model", f"pool {ref.name!r} serves no {ref.model!r}{_close(ref.model, models)}")


def _quality_tiers(policy: str, refs: Iterable[PoolRef], pools: Mapping[str, PoolSpec]) -> set[float]:
    models = [m for ref in refs if (pool := pools.get(qualified(policy, ref.name))) for m in pool.models
              if ref.model in (None, m.name)]  # fmt: skip
    return {model.quality.default for model in models if model.quality is not None}


def _constraints(name: str, spec: PolicySpec, pools: Mapping[str, PoolSpec]) -> Iterator[Finding]:
    """A constraint that nobody meets is a refusal, which `reject` says better; more often it is a typo."""
    names = policy_pools(name, spec)
    known = [(pool, model) for own in names if (pool := pools.get(own)) for model in pool.models]
    if not known or any(own not in pools for own in names):
        return
    for index, rule in enumerate(spec.rules):
        if rule.constrain is None:
            continue
        demand = Demand().narrowed(rule.constrain)
        if all(reasons := [unmet(demand, pool, model) for pool, model in known]):
            message = (
                f"no pool of this policy meets it ({reasons[0]}), so what it holds for is answered 403 no_pool_allowed"
            )
            yield Finding(f"spec.rules[{index}].constrain", message, severity="Warning")


def _fail_open(name: str, spec: PolicySpec, pools: Mapping[str, PoolSpec]) -> Iterator[Finding]:
    target = spec.fail_open
    if target is None:
        return
    if spec.mode == "Shadow":
        yield Finding("spec.failOpen", "a Shadow policy serves nothing, so it cannot fail open")
    if any(rule.reject for rule in spec.rules):
        yield Finding("spec.failOpen", "it would let requests past the reject rules: remove one of them")
    pool = pools.get(qualified(name, target.pool))
    if pool is None:
        names = [other.partition("/")[2] for other in policy_pools(name, spec)]
        message = f"there is no ModelPool {target.pool!r}{_close(target.pool, names)}"
        yield Finding("spec.failOpen.pool", message, reason="PoolNotFound")
        return
    model = next((model for model in pool.models if model.name == target.model), None)
    if model is None:
        hint = _close(target.model, [model.name for model in pool.models])
        yield Finding("spec.failOpen.model", f"pool {target.pool!r} serves no {target.model!r}{hint}")
        return
    demand = Demand()
    for rule in spec.rules:
        if rule.constrain is not None:
            demand = demand.narrowed(rule.constrain)
    if reason := unmet(demand, pool, model):
        message = (
            f"pool {target.pool!r} does not satisfy all constrain rules ({reason}), and a bypass cannot evaluate them"
        )
        yield Finding("spec.failOpen.pool", message)


def _missing(kind: str, name: str, known: Iterable[str]) -> str:
    return f"there is no {kind} {name!r}{_close(name, known)}"


def _close(name: str, known: Iterable[str]) -> str:
    choices = list(known)
    # Comparing takes a while each, and a thousand pools that are not there yet would be compared with a thousand others.
    near = choices if len(choices) <= _COMPARED else [other for other in choices if other[:3] == name[:3]][:_COMPARED]
    close = difflib.get_close_matches(name, near, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are {', '.join(sorted(choices)[:8])}" if choices else ""
