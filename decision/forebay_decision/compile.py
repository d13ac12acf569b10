"""Resources -> compiled policies: parsed once, compiled once, swapped whole. A policy that fails, fails alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from forebay_api.policy import Attach, PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.quantities import byte_count, duration_seconds
from forebay_api.strategy import PoolRef
from forebay_api.wire import Origin, PlacedSpec
from forebay_decision.attachment import Attachment, spec_attachments
from forebay_decision.attachments import NOWHERE, Attachments
from forebay_decision.errors import PolicyError
from forebay_decision.policy.compiler import compile_rules, look_out
from forebay_decision.policy.rules import CompiledRule
from forebay_decision.policy.vantage import Vantage
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

EXPLICIT = "explicit"


class CompiledPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """One policy, ready to decide. `served` maps each served model name to the strategy that picks its pool."""

    name: str
    spec: PolicySpec
    revision: str
    budget_seconds: float
    max_request_bytes: int
    vantage: Vantage
    rules: tuple[CompiledRule, ...]
    strategies: Mapping[str, Strategy]
    served: Mapping[str, Strategy]
    pools: Mapping[str, PoolSpec]
    """Every pool that it may send to, as it was compiled."""

    @property
    def mode(self) -> str:
        return self.spec.mode

    @property
    def served_models(self) -> tuple[str, ...]:
        """What GET /v1/models lists: virtual names without patterns, then the pools' own."""
        virtual = [name for name in self.spec.models if not name.endswith("*")]
        return tuple(dict.fromkeys([*virtual, *self.served]))

    @property
    def prefix(self) -> str:
        return self.spec.attach.prefix


class Match(msgspec.Struct, frozen=True):
    """The policy that answers, and those that decide beside it and change nothing. `untold`: a gateway has named the route by
    which the request came, and nobody has told of that, or of its host and path there: it may be about to."""

    policy: CompiledPolicy | None
    shadows: tuple[CompiledPolicy, ...] = ()
    untold: bool = False


class CompiledConfig(msgspec.Struct, frozen=True):
    """All policies of one revision. Those that are `placed` have targetRefs, the others `attach`: requests of the former
    come through a gateway of somebody's, requests of the latter through Forebay's own Envoy."""

    revision: str
    policies: Mapping[str, CompiledPolicy]
    enforced: Attachments
    shadows: Attachments
    placed: Attachments = Attachments(())
    placed_shadows: Attachments = Attachments(())
    based: Mapping[tuple[str, str], CompiledPolicy] = {}
    """Policies that take something else off the path than their `attach` says, by name and what they take off."""

    def match(self, host: str, path: str, origin: Origin = NOWHERE, *, known: bool = False) -> Match:
        """The policy of a request, and the shadows of the same attachment.

        `host` is lower case and without port. Where a gateway says by which route a request came, `origin` decides, and
        host and path what is taken off. What comes by a route, a rule or a host that nobody has told of is nobody's: there
        is nothing yet beside it that a decision could lead to, and with another model's name in it the request must not go
        on. A name of a form that is not known counts as none, unless it has to be `known`: a client may have chosen it.
        """
        if origin.route and self.placed.has_origins:
            return self._met(host, path, origin, known)
        for enforced, shadows in ((self.enforced, self.shadows), (self.placed, self.placed_shadows)):
            found = enforced.first(host, path)
            if found is not None:
                return Match(self._at(found), self._beside(found, shadows, host, path))
        return Match(None)

    def _met(self, host: str, path: str, origin: Origin, known: bool) -> Match:
        met = self.placed.met(origin)
        if met is not None:
            held = next((a for a in met if a.covers(host) and a.holds(path)), None)
            if held is None:
                return Match(None, untold=not known)
            beside = {a.policy: a for a in reversed(self.placed_shadows.met(origin) or ())}
            return Match(self._at(held), tuple(map(self._at, beside.values())))
        found = None if known else self.placed.first(host, path)
        if found is None:
            return Match(None)
        return Match(self._at(found), self._beside(found, self.placed_shadows, host, path))

    def _beside(self, found: Attachment, shadows: Attachments, host: str, path: str) -> tuple[CompiledPolicy, ...]:
        if not shadows:
            return ()
        at = found.hostname, found.prefix
        return tuple(self._at(a) for a in shadows.holding(host, path) if (a.hostname, a.prefix) == at)

    def _at(self, attachment: Attachment) -> CompiledPolicy:
        if attachment.base is None:
            return self.policies[attachment.policy]
        return self.based[attachment.policy, attachment.base]


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
