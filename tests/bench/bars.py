"""The bars: what Forebay promises about its own cost, each as a figure computed within a round, and a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec
from results import ABSENT, Results, Sample, Spread, spread, together
from variants import ENCODER_SIZES, FEW, MANY, Cell

Verdict = Literal["met", "missed", "not counted", "not measured"]
START_SECONDS = 5.0
MEMORY_MIB = 350.0
STATIC_MILLISECONDS = 0.15
PEER_FACTOR = 30.0


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One promise and what became of it; `why` explains a verdict that is neither met nor missed."""

    name: str
    how: str
    limit: float
    at_most: bool
    unit: str = ""
    found: Spread | None = None
    verdict: Verdict = "not measured"
    why: str = ""


def judge(results: Results) -> list[Bar]:
    """Every bar, in the order of the report."""
    first, workers = results.settings.first, results.settings.workers
    return [
        *_native(results, first),
        *_rules(results, first, workers),
        _static(results, first),
        *(_transformer(results, first, tokens) for tokens in ENCODER_SIZES),
        *_peer(results, first),
        _alone(
            "one worker with the encoder loaded",
            "resident memory after the run (VmRSS)",
            [value for key, value in results.memory_mib.items() if key.startswith("rss")],
            MEMORY_MIB,
            "MiB",
            results.missing.get("memory", ABSENT),
        ),
        _alone(
            "`forebay up` to the first routed request",
            "from starting the command, files warm",
            results.start_seconds,
            START_SECONDS,
            "s",
            results.missing.get("start", ABSENT),
        ),
    ]


def _native(results: Results, first: int) -> Iterator[Bar]:
    for stream in (False, True):
        kind = _kind(stream)
        few = [_cell("native", first, FEW, stream), _cell("envoy", 0, FEW, stream)]
        yield _bar(
            results, f"decided by Envoy, p50, {kind}", "native / Envoy alone, c=1", few, _p50_ratio, 2.0, at_most=True
        )
        many = [_cell("native", first, MANY, stream), _cell("envoy", 0, MANY, stream)]
        name = f"decided by Envoy, throughput, {kind}"
        yield _bar(results, name, "native / Envoy alone, c=32", many, _throughput_ratio, 0.5, at_most=False)


def _rules(results: Results, first: int, workers: list[int]) -> Iterator[Bar]:
    for stream in (False, True):
        kind = _kind(stream)
        cells = [_cell(name, count, FEW, stream) for name, count in (("rules", first), ("noop", first), ("envoy", 0))]
        name = f"20 rules, added p50, {kind}"
        how = "(rules - Envoy alone) / (no-op - Envoy alone), c=1"
        yield _bar(results, name, how, cells, _added_ratio, 1.3, at_most=True)
        cells = [_cell("rules", first, MANY, stream), _cell("noop", first, MANY, stream)]
        name = f"20 rules, throughput, {kind}, w={first}"
        yield _bar(results, name, "rules / no-op, c=32", cells, _throughput_ratio, 0.6, at_most=False)
    for count in workers:
        if count != first:
            cells = [_cell("rules", count, MANY), _cell("noop", count, MANY)]
            name = f"20 rules, throughput, plain, w={count}"
            yield _bar(results, name, "rules / no-op, c=32", cells, _throughput_ratio, 0.6, at_most=False)


def _static(results: Results, first: int) -> Bar:
    def compute(samples: list[Sample]) -> float:
        table = results.encoders[samples[0].round]["static"].median
        return samples[0].outcome.p50 - samples[1].outcome.p50 - table

    cells = [_cell("static", first, FEW), _cell("rules", first, FEW)]
    how = "p50 - rules' p50 - the table's own time, c=1"
    return _bar(results, "10 static signals", how, cells, compute, STATIC_MILLISECONDS, at_most=True, unit="ms")


def _transformer(results: Results, first: int, tokens: int) -> Bar:
    name = f"minilm-{tokens}"

    def compute(samples: list[Sample]) -> float:
        bare = results.encoders[samples[0].round][name].median
        return (samples[0].outcome.p50 - samples[1].outcome.p50) / bare

    cells = [_cell(name, first, FEW), _cell("noop", first, FEW)]
    how = "(p50 - no-op's p50) / one bare pass, c=1"
    return _bar(results, f"10 MiniLM signals, {tokens} tokens", how, cells, compute, 1.2, at_most=True)


def _peer(results: Results, first: int) -> Iterator[Bar]:
    def compute(samples: list[Sample]) -> float:
        return samples[0].per_core_second / samples[1].per_core_second if samples[1].per_core_second else 0.0

    for variant in ("rules", "native"):
        cells = [_cell(variant, first, MANY), _cell("litellm", 0, MANY)]
        name = f"LiteLLM, throughput per core, against {variant}"
        how = f"{variant} / LiteLLM, requests per CPU second, c=32"
        yield _bar(results, name, how, cells, compute, PEER_FACTOR, at_most=False)


def _bar(
    results: Results,
    name: str,
    how: str,
    cells: list[Cell],
    compute: Callable[[list[Sample]], float],
    limit: float,
    *,
    at_most: bool,
    unit: str = "",
) -> Bar:
    bar = Bar(name=name, how=how, limit=limit, at_most=at_most, unit=unit)
    faults = [f"{cell.label}: {why}" for cell in cells for why in results.faults(cell)]
    if faults:
        return msgspec.structs.replace(bar, verdict="not counted", why="; ".join(faults))
    absent = [results.why_missing(cell) for cell in cells if not results.of(cell)]
    if absent:
        return msgspec.structs.replace(bar, why=absent[0])
    found = spread(together(results, cells, compute))
    return _judged(bar, found)


def _alone(name: str, how: str, values: list[float], limit: float, unit: str, why: str) -> Bar:
    bar = Bar(name=name, how=how, limit=limit, at_most=True, unit=unit, why=why)
    return _judged(bar, spread(values))


def _judged(bar: Bar, found: Spread | None) -> Bar:
    if found is None:
        return msgspec.structs.replace(bar, why=bar.why or "no round has all of it")
    met = found.median <= bar.limit if bar.at_most else found.median >= bar.limit
    return msgspec.structs.replace(bar, found=found, verdict="met" if met else "missed")


def _p50_ratio(samples: list[Sample]) -> float:
    return samples[0].outcome.p50 / samples[1].outcome.p50


def _throughput_ratio(samples: list[Sample]) -> float:
    return samples[0].outcome.per_second / samples[1].outcome.per_second


def _added_ratio(samples: list[Sample]) -> float:
    ours, noop, envoy = (sample.outcome.p50 for sample in samples)
    return (ours - envoy) / (noop - envoy)


def _cell(variant: str, workers: int, connections: int, stream: bool = False) -> Cell:
    return Cell(variant=variant, workers=workers, connections=connections, stream=stream)


def _kind(stream: bool) -> str:
    return "streamed" if stream else "plain"
