"""Results as JSON for machines and as Markdown tables for people."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
from bars import Bar, judge
from encoder_time import Timing
from results import Results, Sample, Spread, spread, together
from systems import ROLES
from variants import MANY, VARIANTS, Cell, cells

FIGURES: Final[tuple[tuple[Callable[[Sample], float], int], ...]] = (
    (lambda sample: sample.outcome.p50, 3),
    (lambda sample: sample.outcome.p95, 3),
    (lambda sample: sample.outcome.per_second, 0),
    (lambda sample: sample.per_core_second, 0),
)
"""The columns of a measurement and their digits."""
METHOD: Final = """\
Every figure is the median over rounds; brackets hold the least and the greatest round. Variants take turns within a
round, and ratios are taken within a round. `c` is the number of connections of a closed loop, `w` the number of
data-plane (or no-op) workers; Envoy has two worker threads throughout. Load generator, upstream (a constant answer from
one epoll loop) and the system under test share the machine's cores, so throughput is that of the whole, and requests
per CPU second divide the requests by the CPU time (user and system, from /proc) of all of a system's processes, Envoy
and control plane included, generator and upstream not. A row counts only with no failed request and no `unknown` signal.
"""


def write(results: Results, folder: Path) -> None:
    """results.json (raw samples, bars) and results.md."""
    folder.mkdir(parents=True, exist_ok=True)
    bars = judge(results)
    whole = msgspec.to_builtins(results, str_keys=True) | {"bars": msgspec.to_builtins(bars)}
    encoded = msgspec.json.format(msgspec.json.encode(whole), indent=1)
    (folder / "results.json").write_bytes(encoded + b"\n")
    (folder / "results.md").write_text(markdown(results, bars))


def markdown(results: Results, bars: list[Bar]) -> str:
    """The whole report."""
    machine, settings = results.machine, results.settings
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    lines = [
        "# Benchmark",
        "",
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_mib} MiB; {machine.kernel}; {machine.python}; "
        f"Envoy {machine.envoy}; {packages}. Commit {machine.commit}. Load average before the run: {machine.load}.",
        "",
        f"{settings.rounds} rounds of {settings.pace.seconds:g} s a cell after {settings.pace.warm_up:g} s of warm-up.",
        *_others(results),
        "",
        METHOD,
        "## Bars",
        "",
        "| bar | measured as | limit | found | verdict |",
        "|---|---|---|---|---|",
        *(_bar_row(bar) for bar in bars),
        "",
        "## Measurements",
        "",
        "| variant | load | p50 ms | p95 ms | requests/s | requests per CPU s | baseline | p50 ratio | throughput ratio |",
        "|---|---|---|---|---|---|---|---|---|",
        *_rows(results),
        "",
        *_cpu_table(results),
        "",
        *_encoder_table(results),
    ]
    if results.memory_mib:
        found = ", ".join(f"{name} {value:.0f} MiB" for name, value in results.memory_mib.items())
        lines += ["", f"Memory of the only data-plane worker after the run: {found}."]
    return "\n".join(lines) + "\n"


def _bar_row(bar: Bar) -> str:
    limit = f"{'≤' if bar.at_most else '≥'} {bar.limit:g} {bar.unit}".strip()
    verdict = bar.verdict if not bar.why or bar.found else f"{bar.verdict}: {_cell_text(bar.why)}"
    return f"| {bar.name} | {bar.how} | {limit} | {_spread(bar.found)} | {verdict} |"


def _rows(results: Results) -> Iterator[str]:
    for cell in cells(results.settings.variants, results.settings.workers):
        variant = VARIANTS[cell.variant]
        samples = list(results.of(cell).values())
        load = cell.label.removeprefix(cell.variant).strip()
        if not samples:
            why = results.why_missing(cell)
            yield f"| {variant.what} | {load} | missing: {_cell_text(why)} | | | | | | |"
            continue
        if faults := results.faults(cell):
            yield f"| {variant.what} | {load} | not counted: {_cell_text('; '.join(faults))} | | | | | | |"
            continue
        figures = [_spread(spread([measure(sample) for sample in samples]), digits) for measure, digits in FIGURES]
        ratios = _ratios(results, cell)
        yield f"| {variant.what} | {load} | {' | '.join(figures)} | {variant.baseline or '–'} | {' | '.join(ratios)} |"


def _ratios(results: Results, cell: Cell) -> list[str]:
    """Against the baseline under the same load: p50 and throughput."""
    baseline = VARIANTS.get(VARIANTS[cell.variant].baseline)
    if baseline is None:
        return ["–", "–"]
    count = 0 if baseline.system in ("envoy", "litellm") else (cell.workers or results.settings.first)
    other = msgspec.structs.replace(cell, variant=baseline.name, workers=count)
    if not results.of(other) or results.faults(other):
        return ["–", "–"]

    def ratio(measure: Callable[[Sample], float]) -> str:
        return _spread(spread(together(results, [cell, other], lambda pair: measure(pair[0]) / measure(pair[1]))))

    p50 = ratio(lambda sample: sample.outcome.p50)
    return [p50, ratio(lambda sample: sample.outcome.per_second) if cell.connections == MANY else "–"]


def _others(results: Results) -> Iterator[str]:
    """How quiet the machine was."""
    found = spread([sample.others * 100 for sample in results.samples])
    if found is not None:
        yield (
            f"Processes outside the benchmark took {found.median:.0f} % of the machine's CPU time (least "
            f"{found.least:.0f} %, greatest {found.greatest:.0f} % in a sample); over some 5 % the figures mean little."
        )


def _cpu_table(results: Results) -> Iterator[str]:
    """Where the CPU time goes, by process."""
    yield "| CPU microseconds a request, by process | load | " + " | ".join(ROLES.values()) + " |"
    yield "|---|---|" + "---|" * len(ROLES)
    for cell in cells(results.settings.variants, results.settings.workers):
        samples = list(results.of(cell).values())
        if not samples or results.faults(cell) or cell.connections != MANY or cell.stream:
            continue
        spent = [statistics.median(sample.micros(role) for sample in samples) for role in ROLES.values()]
        load = cell.label.removeprefix(cell.variant).strip()
        figures = " | ".join(f"{micros:,.0f}" if micros else "" for micros in spent)
        yield f"| {VARIANTS[cell.variant].what} | {load} | {figures} |"


def _encoder_table(results: Results) -> Iterator[str]:
    if not results.encoders:
        return
    yield "| encoder alone, one pass | ms |"
    yield "|---|---|"
    rounds: list[dict[str, Timing]] = list(results.encoders.values())
    for name in rounds[0]:
        yield f"| {name} | {_spread(spread([found[name].median for found in rounds]), 3)} |"


def _spread(found: Spread | None, digits: int = 2) -> str:
    if found is None:
        return "–"
    return f"{found.median:,.{digits}f} [{found.least:,.{digits}f}, {found.greatest:,.{digits}f}]"


def _cell_text(text: str) -> str:
    """Fit for a table's cell."""
    return " ".join(text.replace("|", "/").split())[:300]
