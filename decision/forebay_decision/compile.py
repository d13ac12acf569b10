"""Resources -> compiled policies: parsed once, compiled once, swapped whole. A policy that fails, fails alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from forebay_api.policy import Attach, PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.quantities import byte_count, duration_seconds
from forebay_api.strategy import PoolRef
from forebay_api.wire import PlacedSpec
from forebay_decision.attachment import Attachment, spec_attachments
from forebay_decision.attachments import Attachments
from forebay_decision.compiled import EXPLICIT, CompiledConfig, CompiledPolicy
from forebay_decision.errors import PolicyError
from forebay_decision.policy.compiler import compile_rules, look_out
from forebay_decision.policy.rules import CompiledRule
from forebay_decision.select.candidate import Candidate
from forebay_decision.select.pickers import ALGORITHMS, LeastBusy
from forebay_decision.select.selection import Strategy
from forebay_decision.served import policy_pools, qualified, served_models
from forebay_decision.signals.catalog import Embed, Encoders, build_detector
from forebay_decision.signals.classifier import Heads, ModelError, carrying
from forebay_decision.signals.detector import Detector
from forebay_decision.signals.regex import PatternError
from forebay_models.heads.library import load_head

if TYPE_CHECKING:
    from forebay_models.encoder import Encoder


def compile_config(
    policies: Mapping[str, PolicySpec],
    pools: Mapping[str, PoolSpec],
    *,
    revision: str,
    encoders: Encoders,
    embed: Embed | None = None,
    heads: Heads = load_head,
    former: CompiledConfig | None = None,
) -> tuple[CompiledConfig, dict[str, PolicyError]]:
    """Compile every policy; the errors are by policy name, and those policies are not in the result.

    A policy that stands in `former` with the same spec over the same pools is taken from there.
    """
    compiled: dict[str, CompiledPolicy] = {}
    errors: dict[str, PolicyError] = {}
    for name, spec in policies.items():
        known = former.policies.get(name) if former is not None else None
        if known is not None and _still_holds(known, spec, pools):
            compiled[name] = msgspec.structs.replace(known, revision=revision)
            continue
        try:
            compiled[name] = compile_policy(
                name, spec, pools, revision=revision, encoders=encoders, embed=embed, heads=heads
            )
        except PolicyError as error:
            errors[name] = error
    based: dict[tuple[str, str], CompiledPolicy] = {}
    found: dict[tuple[str, bool], list[Attachment]] = {}
    for attachment in spec_attachments({name: policy.spec for name, policy in compiled.items()}):
        policy, base = compiled[attachment.policy], attachment.base
        found.setdefault((policy.mode, base is not None), []).append(attachment)
        if base is not None and (policy.name, base) not in based:
            based[policy.name, base] = _based(policy, base)
    return (
        CompiledConfig(
            revision,
            compiled,
            Attachments(found.get(("Enforce", False), ())),
            Attachments(found.get(("Shadow", False), ())),
            Attachments(found.get(("Enforce", True), ())),
            Attachments(found.get(("Shadow", True), ())),
            based,
        ),
        errors,
    )


def compile_policy(
    name: str,
    spec: PolicySpec,
    pools: Mapping[str, PoolSpec],
    *,
    revision: str,
    encoders: Encoders,
    embed: Embed | None = None,
    heads: Heads = load_head,
) -> CompiledPolicy:
    """Compile one policy; PolicyError names the first thing that is wrong."""
    rules = compile_rules(name, spec)
    if rules.errors:
        raise rules.errors[0]
    carried = carrying(heads, spec.heads if isinstance(spec, PlacedSpec) else {})
    detectors: dict[str, Detector] = {}
    for index, signal in enumerate(spec.signals):
        try:
            detectors[signal.name] = build_detector(signal, encoders, embed or _embed, carried)
        except (PatternError, ModelError) as error:
            raise PolicyError(f"spec.signals[{index}]", str(error)) from None
    own = {pool: pools[pool] for pool in policy_pools(name, spec) if pool in pools}
    return CompiledPolicy(
        name=name,
        spec=spec,
        revision=revision,
        budget_seconds=duration_seconds(spec.decision_budget.time),
        max_request_bytes=byte_count(spec.max_request_bytes),
        vantage=look_out(name, spec, rules, detectors),
        rules=tuple(_asking(rule, detectors) for rule in rules.rules),
        pools=own,
        strategies=_strategies(name, spec, pools),
        served={
            model: Strategy(
                EXPLICIT,
                tuple(c for i, pool in enumerate(serving) for c in _candidates(pool, own[pool], model, reference=i)),
                (),
                LeastBusy(),
            )
            for model, serving in served_models(own).items()
        },
    )


def _based(policy: CompiledPolicy, base: str) -> CompiledPolicy:
    attach = Attach(path_prefix=base or "/")
    return msgspec.structs.replace(policy, spec=msgspec.structs.replace(policy.spec, attach=attach))


def _still_holds(known: CompiledPolicy, spec: PolicySpec, pools: Mapping[str, PoolSpec]) -> bool:
    """Whether compiling `spec` would give `known` again. Specs that nobody sent anew are the same objects, so this is quick."""
    if known.spec is not spec and known.spec != spec:
        return False
    names = policy_pools(known.name, spec)
    return len(known.pools) == len(names) and all(
        (now := pools.get(pool)) is not None and (known.pools.get(pool) is now or known.pools.get(pool) == now)
        for pool in names
    )


def _asking(rule: CompiledRule, detectors: Mapping[str, Detector]) -> CompiledRule:
    asks = sorted((detectors[name] for name in rule.when.references.signals), key=lambda d: (d.cost, d.name))
    return msgspec.structs.replace(rule, asks=tuple(asks))


def _strategies(name: str, spec: PolicySpec, pools: Mapping[str, PoolSpec]) -> dict[str, Strategy]:
    compiled = {}
    for index, strategy in enumerate(spec.strategies):
        direct = strategy.direct

        def resolve(kind: str, refs: Sequence[PoolRef], at: int = index) -> tuple[Candidate, ...]:
            found: list[Candidate] = []
            for position, ref in enumerate(refs):
                pool = qualified(name, ref.name)
                if pool not in pools:
                    path = f"spec.strategies[{at}].direct.{kind}[{position}].name"
                    raise PolicyError(path, f"there is no ModelPool {ref.name!r}")
                weight = getattr(ref, "weight", None)
                found += _candidates(pool, pools[pool], ref.model, 1 if weight is None else weight, position)
            return tuple({candidate.key: candidate for candidate in found}.values())

        compiled[strategy.name] = Strategy(
            strategy.name,
            resolve("pools", direct.pools),
            resolve("fallback", direct.fallback),
            ALGORITHMS[direct.select.algorithm](),
            strategy.reasoning,
        )
    return compiled


def _candidates(pool: str, spec: PoolSpec, model: str | None, weight: int = 1, reference: int = 0) -> list[Candidate]:
    return [Candidate(pool, spec, entry, weight, reference) for entry in spec.models if model in (None, entry.name)]


def _embed(encoder: Encoder, texts: Sequence[str]) -> Any:
    return encoder.encode(texts)
