"""What the demo found, as it is printed by ``--output json`` and summed up at the end."""

from __future__ import annotations

import msgspec

from forebay_cli.demo.ask import Answer
from forebay_cli.demo.cases import Case, Expected
from forebay_cli.demo.faults.scene import Fault


class CaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """One case. `added_ms`: milliseconds to the first byte that a server's own answer would not have taken; None where
    no server answered; `message` is then what was said instead. `milliseconds`: the whole request as the caller saw it."""

    title: str
    streamed: bool
    status: int
    decided_by: str
    rule: str
    strategy: str
    pool: str
    model: str
    reason: str
    message: str
    server: str
    code: str
    milliseconds: float
    added_ms: float | None
    mismatches: tuple[str, ...]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Everything. `ok` where every request went where it should and every fault was survived as promised."""

    ok: bool
    seconds: float
    started_in_seconds: float
    cases: tuple[CaseResult, ...]
    faults: tuple[Fault, ...]
    mismatches: tuple[str, ...]


def judge(case: Case, answer: Answer, added_ms: float | None) -> CaseResult:
    """Compare what came back with what must."""
    decided = answer.decided
    return CaseResult(
        title=case.title,
        streamed=case.request.streamed,
        status=answer.status,
        decided_by=decided.get("decision", ""),
        rule=decided.get("rule", ""),
        strategy=decided.get("strategy", ""),
        pool=answer.pool,
        model=decided.get("model", ""),
        reason=decided.get("reason", ""),
        message="" if answer.server else answer.said,
        server=answer.server,
        code=answer.code,
        milliseconds=round(1000 * (answer.ended - answer.started), 1),
        added_ms=None if added_ms is None else round(added_ms, 2),
        mismatches=tuple(_mismatches(case.expected, answer)),
    )


def _mismatches(expected: Expected, answer: Answer) -> list[str]:
    decided = answer.decided
    wanted = {
        "status": (str(expected.status), str(answer.status)),
        "error code": (expected.code, answer.code),
        "rule": (expected.rule, decided.get("rule", "")),
        "strategy": (expected.strategy, decided.get("strategy", "")),
        "decided by": (expected.decided_by, decided.get("decision", "")),
    }
    found = [f"{what} is {got or 'none'}, not {want}" for what, (want, got) in wanted.items() if want and got != want]
    if expected.pools and answer.pool not in expected.pools:
        found.append(f"pool is {answer.pool or 'none'}, not {' or '.join(expected.pools)}")
    if expected.said and expected.said not in answer.said:
        found.append(f"the answer does not say {expected.said!r}")
    if not answer.complete:
        found.append("the answer is not complete")
    if answer.status == 200 and expected.pools and not answer.server:
        found.append("no simulated server says that it answered")
    return found
