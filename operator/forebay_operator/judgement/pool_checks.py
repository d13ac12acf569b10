"""What can be wrong with a pool beyond its shape. None of it keeps the pool out: pools are facts about the world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from forebay_api.pool import ModelPool, PoolSpec
from forebay_api.quantities import duration_seconds
from forebay_decision.check import Finding
from forebay_decision.dialects.openai.edits import level_fault
from forebay_operator.judgement.findings import errors_of, internal_error, state_accepted, state_resolved
from forebay_operator.judgement.verdict import PoolVerdict
from forebay_operator.memory import recalled


def judge_pool(
    name: str,
    pool: ModelPool,
    *,
    faults: tuple[Finding, ...] = (),
    backend: tuple[Finding, ...] = (),
    credentials: tuple[Finding, ...] = (),
    withheld: bool = False,
    before: tuple[Finding, ...] = (),
) -> PoolVerdict:
    """The verdict on one pool. `faults` are what is wrong with its newest text; with an Error among them `pool` is the
    last good version, or, `withheld`, there is none. `backend` and `credentials` are findings about what it refers to, `before` those of the last time."""
    findings = (*faults, *backend, *credentials, *_checked(name, pool.spec, before))
    return PoolVerdict(
        name=name,
        generation=pool.metadata.generation,
        accepted=state_accepted(findings, "the pool is not served" if withheld else "the last good version is served"),
        resolved=state_resolved(findings, "requests to this pool are answered 503 until then"),
        spec=pool.spec,
        is_last_good=bool(errors_of(faults)),
        findings=findings,
        withheld=withheld,
    )


def _checked(name: str, spec: PoolSpec, before: tuple[Finding, ...]) -> tuple[Finding, ...]:
    try:
        return _check_pool(name, spec)
    except Exception as error:  # noqa: BLE001  # it is that pool's, and stops no other
        return (internal_error(error, f"ModelPool {name}", "this was checked", before),)


@recalled
def _check_pool(_name: str, spec: PoolSpec) -> tuple[Finding, ...]:
    return check_pool(spec)


def check_pool(spec: PoolSpec) -> tuple[Finding, ...]:
    """Errors: values of the wrong type. Warnings: settings that cannot mean what they say."""
    return (
        *(Finding(path, message) for path, message in _levels(spec)),
        *(Finding(path, message, severity="Warning") for path, message in _oddities(spec)),
    )


def _levels(spec: PoolSpec) -> Iterator[tuple[str, str]]:
    for index, model in enumerate(spec.models):
        for level in model.reasoning.levels if model.reasoning else ():
            if model.reasoning and (fault := level_fault(model.reasoning, level)) is not None:
                yield f"spec.models[{index}].reasoning.levels.{level}", fault


def _oddities(spec: PoolSpec) -> Iterator[tuple[str, str]]:
    telemetry, limits = spec.telemetry, spec.saturation
    if telemetry.engine == "None":
        measured = (
            []
            if limits is None
            else [("queueDepth", limits.queue_depth), ("kvCacheUtilization", limits.kv_cache_utilization)]
        )
        for field in _set(measured):
            yield f"spec.saturation.{field}", "is never measured while spec.telemetry.engine is None: set the engine"
    elif duration_seconds(telemetry.stale_after) <= duration_seconds(telemetry.interval):
        yield (
            "spec.telemetry.staleAfter",
            f"{telemetry.stale_after} is not longer than the interval of {telemetry.interval}: every reading would "
            "be stale before the next one",
        )
    if limits is not None and limits.kv_cache_utilization == 0:
        yield "spec.saturation.kvCacheUtilization", "0 is always reached, so the pool would never take any work"


def _set(fields: Iterable[tuple[str, float | None]]) -> Iterator[str]:
    return (field for field, value in fields if value is not None)
