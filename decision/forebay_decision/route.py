"""Routing, in one line: bytes -> view -> signals -> ruling -> selection -> edits, with the record of why.

`route` is a generator that yields the Work it cannot do on the spot (see work.py) and returns what the data plane is
to tell Envoy. It reads no clock and touches nothing but the picker's memory of its own strategy.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from forebay_api.model import ReasoningLevel
from forebay_api.rule import Rule
from forebay_api.wire import PoolState
from forebay_decision.compiled import CompiledPolicy
from forebay_decision.dialects.openai import answers, codings, paths
from forebay_decision.dialects.openai.edits import edits_for, encode_edits, rebase
from forebay_decision.dialects.openai.view import read, stored_context
from forebay_decision.errors import BadRequest, DecisionError, NotFound, Refused, TooLarge, Unavailable
from forebay_decision.names import chain_cluster, pool_cluster
from forebay_decision.policy.facts import Facts
from forebay_decision.policy.rules import Ruling, judge
from forebay_decision.record import DecidedBy, DecisionRecord, ModelChoice
from forebay_decision.request import Edit, ParsedBody, RequestHead, RequestView
from forebay_decision.select.candidate import Candidate, expected_cost
from forebay_decision.select.pickers import Surrounding
from forebay_decision.select.selection import Selection, Strategy, select
from forebay_decision.served import virtual
from forebay_decision.work import Work

JSON_TYPE = ("content-type", "application/json")
EXPLICIT_RULE = "explicit-model"
DEFAULT_RULE = "default"
NATIVE_REASON = "the request names a model that this pool serves"
PASSING = frozenset({"deadline", "encoder busy", "error", "overloaded"})
"""Why a signal is unknown that may be known the next time."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision may know beside the request. `clock` and `deadline` are monotonic seconds; `in_flight` counts those of
    this replica's requests under way in a pool that the pool's newest state cannot have counted."""

    id: str
    replica: str
    clock: Callable[[], float]
    deadline: float
    states: Mapping[str, PoolState]
    in_flight: Callable[[str], int]
    random: random.Random
    decided_by: DecidedBy = "DataPlane"


class Forward(msgspec.Struct, frozen=True):
    """Send it on: the cluster header's value, the hops of a fallback chain (or ``""``), and the edits of the body.

    `stream`: the caller wants the answer as it grows, so silence within it is bounded.
    """

    record: DecisionRecord
    cluster: str
    hops: str
    edits: tuple[Edit, ...]
    stream: bool = False


class Answer(msgspec.Struct, frozen=True):
    """Answer it here."""

    record: DecisionRecord | None
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def route(
    policy: CompiledPolicy, head: RequestHead, body: bytes, around: Surroundings
) -> Generator[Work, object, Forward | Answer]:
    """Decide one request of this policy; mistakes of the caller come back as Answers, never as exceptions."""
    started = around.clock()
    try:
        asked = paths.resolve(head.method, head.path[len(policy.prefix) :])
        if isinstance(asked, paths.ModelsList | paths.ModelGet | paths.Methods):
            return _about_models(policy, asked)
        if len(body) > policy.max_request_bytes:
            limit = policy.spec.max_request_bytes
            raise TooLarge(f"The body is larger than this policy's limit of {limit}.", code="request_too_large")
        paths.check_content_type(head.headers.get("content-type", ""))
        if body:
            paths.check_content_encoding(head.headers.get("content-encoding", ""))
        try:
            parsed = read(asked, body)
        except BadRequest as error:
            raise codings.named(error, head.headers, body) from None
        if (stored := stored_context(parsed)) is not None:
            message = f"'{stored}' refers to state that an earlier pool keeps, and this router keeps no such state: send the whole conversation."
            raise BadRequest(message, code="unsupported_parameter", param=stored)
        return (yield from _decide(policy, head, parsed, around, started))
    except DecisionError as error:
        return refuse(error)


def refuse(error: DecisionError, record: DecisionRecord | None = None) -> Answer:
    """The one place where an error becomes what a caller sees."""
    headers = [JSON_TYPE]
    if error.retry_after is not None:
        headers.append(("retry-after", str(error.retry_after)))
    if error.allow:
        headers.append(("allow", error.allow))
    return Answer(record, error.http_status, tuple(headers), answers.error_body(error))


def _about_models(policy: CompiledPolicy, asked: paths.ModelsList | paths.ModelGet | paths.Methods) -> Answer:
    if isinstance(asked, paths.Methods):
        return Answer(None, 204, (("allow", asked.allow),), b"")
    if isinstance(asked, paths.ModelsList):
        return Answer(None, 200, (JSON_TYPE,), answers.models_list(policy.served_models))
    if asked.id not in policy.served_models:
        raise _no_such_model(policy, asked.id)
    return Answer(None, 200, (JSON_TYPE,), answers.model_object(asked.id))


def _no_such_model(policy: CompiledPolicy, model: str) -> NotFound:
    listed = ", ".join(policy.served_models[:16])
    shown = model if len(model) <= 128 else model[:128] + "..."
    message = f"The model {shown!r} does not exist here. There are: {listed}."
    return NotFound(message, code="model_not_found", param="model")


def _decide(
    policy: CompiledPolicy, head: RequestHead, parsed: ParsedBody, around: Surroundings, started: float
) -> Generator[Work, object, Forward | Answer]:
    view = parsed.view
    explicit = policy.served.get(view.model) if view.model not in policy.spec.models else None
    if explicit is None and not virtual(view.model, policy.spec.models):
        raise _no_such_model(policy, view.model)
    facts = Facts(
        policy.vantage, view, head.headers, around.states, around.clock, around.deadline, head.verified, policy.name
    )
    ruling = yield from judge(policy.rules, facts, named_model=explicit is not None, endpoint=view.endpoint)
    rule = ruling.decided.rule if ruling.decided else None
    draft = DecisionRecord(
        id=around.id,
        policy=policy.name,
        revision=policy.revision,
        mode=policy.mode,
        decided_by=around.decided_by,
        rule=rule.name if rule else EXPLICIT_RULE if explicit else DEFAULT_RULE,
        constraints=ruling.demand.described(),
        signals=facts.records if around.decided_by == "DataPlane" else {},
        confidence=_confidence(ruling, facts),
        micros=round((around.clock() - started) * 1e6),
    )
    if rule is not None and not rule.use:
        return _settled(rule, ruling, draft, view)
    strategy = explicit or policy.strategies[rule.use if rule and rule.use else policy.spec.default.use]
    demand = ruling.demand.needing(view.needs)
    surrounding = Surrounding(around.states, around.in_flight, around.random)
    selection = select(strategy, view, demand, surrounding, policy.spec.limits.output_tokens)
    draft = replace(draft, strategy=strategy.name, candidates=selection.records)
    if selection.chosen is None:
        error = selection.failure or Unavailable("Nothing may serve this request.", code="no_pool")
        return refuse(error, replace(draft, reason=error.code, status=error.http_status))
    reasoning = (rule.reasoning if rule else None) or (None if explicit else strategy.reasoning)
    return _forward(policy, strategy, selection.chosen, selection, parsed, draft, reasoning, around, started)


def _settled(rule: Rule, ruling: Ruling, draft: DecisionRecord, view: RequestView) -> Answer:
    """What a reject or respond rule says."""
    if rule.respond is not None:
        kind, body = answers.respond(view.endpoint, view, rule.respond.message, draft.id, 0)
        return Answer(replace(draft, reason=f"rule {rule.name} answers"), 200, (("content-type", kind),), body)
    if ruling.undecidable or rule.reject is None:
        error: DecisionError = _undecidable(rule, draft)
    else:
        error = Refused(rule.reject.message, code="rejected_by_policy", status=rule.reject.status)
    return refuse(error, replace(draft, reason=f"rule {rule.name}: {error.code}", status=error.http_status))


def _undecidable(rule: Rule, draft: DecisionRecord) -> Unavailable:
    unknown = {name: signal.unknown for name, signal in sorted(draft.signals.items()) if signal.unknown}
    missing = [name for name, reason in unknown.items() if reason.partition(":")[0] in PASSING]
    if missing:
        message = (
            f"Rule {rule.name} could not be decided, because signal {', '.join(missing)} is unavailable. Retry shortly."
        )
        return Unavailable(message, code="signal_unavailable", retry_after=1)
    if unknown:
        # They are unknown of this text whenever it comes, such as of a script that a model was not trained on.
        reasons = ", ".join(f"{name} ({reason})" for name, reason in unknown.items())
        return Unavailable(f"Rule {rule.name} cannot be decided, as unknown is {reasons}.", code="rule_undecidable")
    # No signal is missing: the condition itself has no value for this request, and a retry would have none either.
    message = f"Rule {rule.name} has no answer for this request: something that its condition reads is missing."
    return Unavailable(message, code="rule_undecidable")


def _forward(
    policy: CompiledPolicy,
    strategy: Strategy,
    chosen: Candidate,
    selection: Selection,
    parsed: ParsedBody,
    draft: DecisionRecord,
    reasoning: ReasoningLevel | None,
    around: Surroundings,
    started: float,
) -> Forward:
    view = parsed.view

    def edits(candidate: Candidate) -> tuple[Edit, ...]:
        return edits_for(parsed, view.endpoint, candidate.model, reasoning, policy.spec.limits)

    primary = edits(chosen)
    hops = ""
    cluster = pool_cluster(chosen.pool)
    if selection.fallbacks:
        cluster = chain_cluster(policy.name, strategy.name, chosen.pool)
        tries = [(chosen, ()), *((c, rebase(primary, edits(c), parsed.body)) for c in selection.fallbacks)]
        hops = "|" + "".join(f"{c.pool}={c.model.name}@{encode_edits(e)}|" for c, e in tries)
    cost = expected_cost(chosen, view, policy.spec.limits.output_tokens)
    record = replace(
        draft,
        pool=chosen.pool,
        model=chosen.model.name,
        reason=NATIVE_REASON if around.decided_by == "Envoy" else _reason(draft.rule, strategy, chosen, selection),
        fallbacks=tuple(ModelChoice(c.pool, c.model.name) for c in selection.fallbacks),
        expected_cost_usd=None if cost is None else _dollars(cost),
        micros=round((around.clock() - started) * 1e6),
    )
    return Forward(record, cluster, hops, primary, view.stream)


def _reason(rule: str, strategy: Strategy, chosen: Candidate, selection: Selection) -> str:
    """One line for people: what led here, and who was left out."""
    records = {(record.pool, record.model): record for record in selection.records}
    ways = {c.reference for c in strategy.candidates if records[c.key].eligible}
    picked = "a fallback" if not ways else "the only one eligible" if len(ways) == 1 else f"one of {len(ways)} eligible"
    out = [record for record in selection.records if not record.eligible and record.pool != chosen.pool]
    left = f"; {out[0].pool} left out: {out[0].reason}" if out else ""
    more = f" (and {len(out) - 1} more)" if len(out) > 1 else ""
    return f"{rule} -> {strategy.name}: {picked}{left}{more}"


def _confidence(ruling: Ruling, facts: Facts) -> float:
    if ruling.decided is None:
        return 1.0
    asked = (facts.records.get(name) for name in ruling.decided.when.references.signals)
    return min((record.score for record in asked if record is not None and record.score is not None), default=1.0)


def _dollars(cost: Decimal) -> str:
    return f"{cost:.9f}".rstrip("0").rstrip(".")
