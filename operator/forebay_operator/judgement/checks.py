"""Second step of a reconcile: from facts to verdicts, without I/O or clock.

One bad policy is refused alone. What was good before stays: a policy whose newest version is refused is served in its
last good version, as long as that still fits the pools. Pools are facts about the world and go out as they stand, never
in an older version that would, say, call a public pool private; only the deletion of a pool waits until no published
policy refers to it.
"""

from __future__ import annotations

from collections.abc import Mapping

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_decision.attachment import placed
from forebay_decision.check import Finding, check_policy
from forebay_decision.served import policy_pools, qualified
from forebay_operator.backends.endpoint import NOWHERE
from forebay_operator.gather import Inputs
from forebay_operator.judgement.admission import unadmitted
from forebay_operator.judgement.check_memory import PolicyCheck
from forebay_operator.judgement.claims import Award, Bid, Rival, award_attachments
from forebay_operator.judgement.findings import errors_of, internal_error, state_accepted, state_resolved
from forebay_operator.judgement.pool_checks import judge_pool
from forebay_operator.judgement.verdict import NOTHING_JUDGED, PolicyVerdict, Statement, Verdicts


def judge(inputs: Inputs, previous: Verdicts = NOTHING_JUDGED, *, check: PolicyCheck = check_policy) -> Verdicts:
    """Judge all objects together. `previous` is the last judgement: what it let out is the last good version.

    `check` is `check_policy`, or a CheckMemory of it that lives as long as the operator.
    """
    pools = {
        name: judge_pool(
            name,
            pool,
            faults=inputs.pool_faults.get(name, ()),
            backend=inputs.backends.get(name, NOWHERE).findings,
            credentials=inputs.credentials.findings.get(name, ()),
            withheld=name in inputs.unmade_pools,
            before=previous.pools[name].findings if name in previous.pools else (),
        )
        for name, pool in inputs.pools.items()
    }
    present = {name: verdict.spec for name, verdict in pools.items() if not verdict.withheld}
    # A deleted pool still counts for what was published while it was there.
    remembered = previous.accepted_pools() | present
    findings = {
        name: (
            *inputs.data_findings.get(name, ()),
            *unadmitted(name, policy.spec, inputs.listeners),
            *_findings(name, policy.spec, present, previous, check),
        )
        for name, policy in inputs.policies.items()
    }
    bids = []
    for name, policy in inputs.policies.items():
        newest = () if errors_of(findings[name]) else (policy.spec,)
        last = _last_good(name, newest, previous, remembered, check)
        last = tuple(spec for spec in last if not unadmitted(name, spec, inputs.listeners))
        bids.append(Bid(name, policy.metadata, (*newest, *last)))
    awards = award_attachments(bids)
    policies = {name: _policy_verdict(name, inputs, findings[name], awards[name]) for name in inputs.policies}
    published = {name: verdict.spec for name, verdict in policies.items() if verdict.spec is not None}
    used = {pool for name, spec in published.items() for pool in _pools_of(name, spec)}
    detained = {name: remembered[name] for name in sorted(used - present.keys()) if name in remembered}
    return Verdicts(policies, pools, detained)


def _findings(
    name: str, spec: PolicySpec, pools: Mapping[str, PoolSpec], previous: Verdicts, check: PolicyCheck
) -> tuple[Finding, ...]:
    try:
        return check(name, spec, pools)
    except Exception as error:  # noqa: BLE001  # it is that policy's, and stops no other
        before = previous.policies[name].findings if name in previous.policies else ()
        return (internal_error(error, f"RoutingPolicy {name}", "this was checked", before),)


def _last_good(
    name: str, newest: tuple[PolicySpec, ...], previous: Verdicts, pools: Mapping[str, PoolSpec], check: PolicyCheck
) -> tuple[PolicySpec, ...]:
    before = previous.policies.get(name)
    last = before.spec if before is not None else None
    if last is None or last in newest or not _fits(name, last, pools, check):
        return ()
    return (last,)


def _fits(name: str, spec: PolicySpec, pools: Mapping[str, PoolSpec], check: PolicyCheck) -> bool:
    """Whether a version that is served may stay so. A check that fails says nothing against it."""
    try:
        return not errors_of(check(name, spec, pools))
    except Exception:  # noqa: BLE001  # told of the newest version
        return True


def _policy_verdict(name: str, inputs: Inputs, findings: tuple[Finding, ...], award: Award) -> PolicyVerdict:
    policy = inputs.policies[name]
    found = (*inputs.policy_faults.get(name, ()), *findings)
    is_last_good = award.spec is not None and (award.spec != policy.spec or bool(errors_of(found)))
    served = "the last good version is served" if is_last_good else "the policy is not served"
    # What is wrong with a target concerns that target: the policy is what it is at the others.
    targets = inputs.target_findings.get(name, ())
    lost = bool(targets) and not placed(policy.spec)
    if targets and not is_last_good:
        served = "the policy is not served" if lost else "the policy is served at its other targets"
    accepted = state_accepted((*found, *targets), served)
    if accepted.status == "True" and award.rivals:
        accepted = Statement("Accepted", "False", "Conflicted", f"{_tell_rivals(award.rivals)}; {served}")
    return PolicyVerdict(
        name=name,
        generation=policy.metadata.generation,
        accepted=accepted,
        resolved=state_resolved((*found, *targets), served),
        spec=None if lost else award.spec,
        is_last_good=is_last_good,
        findings=(*found, *targets),
    )


def _tell_rivals(rivals: tuple[Rival, ...]) -> str:
    parts = [f"policy {r.policy} has hostname {r.hostname!r} with pathPrefix {r.path_prefix!r}" for r in rivals]
    return f"{'; '.join(parts)}: change one of the two, or set mode: Shadow"


def _pools_of(name: str, spec: PolicySpec) -> tuple[str, ...]:
    bypass = () if spec.fail_open is None else (qualified(name, spec.fail_open.pool),)
    return (*policy_pools(name, spec), *bypass)
