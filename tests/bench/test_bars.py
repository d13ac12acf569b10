"""Bars are judged within rounds, on samples that count."""

from __future__ import annotations

import machine
import pytest
from bars import Bar, judge
from load import Outcome
from results import Results, Sample
from settings import Pace, Settings
from variants import VARIANTS, Cell, cells, closure

NATIVE = "decided by Envoy, p50, plain"
MACHINE = machine.Machine(
    cpu="", cores=2, memory_mib=1, kernel="", python="", envoy="", packages={}, commit="", load=0.0
)


def sample(variant: str, number: int, p50: float, wrong: tuple[str, ...] = ()) -> Sample:
    outcome = Outcome(
        requests=10,
        total=10,
        seconds=1.0,
        per_second=10.0,
        p50=p50,
        p95=p50,
        p99=p50,
        failed=0,
        failures={},
        cpu_seconds=0.1,
    )
    workers = 0 if variant == "envoy" else 1
    cell = Cell(variant=variant, workers=workers, connections=1, stream=False)
    return Sample(cell=cell, round=number, outcome=outcome, cpu_seconds={"Envoy": 0.1}, wrong=wrong)


def bar(*samples: Sample, name: str = NATIVE) -> Bar:
    settings = Settings(variants=list(VARIANTS), rounds=3, workers=[1, 2], pace=Pace(0.1, 1.0), starts=1)
    results = Results(machine=MACHINE, settings=settings, samples=list(samples))
    return next(found for found in judge(results) if found.name == name)


def test_a_ratio_is_taken_within_each_round_and_the_median_counts() -> None:
    pairs = [(1.0, 1.5), (10.0, 18.0), (1.0, 4.0)]
    found = bar(
        *(sample("envoy", number, p50) for number, (p50, _) in enumerate(pairs)),
        *(sample("native", number, p50) for number, (_, p50) in enumerate(pairs)),
    )
    assert found.verdict == "met"
    assert found.found is not None
    assert (found.found.median, found.found.least, found.found.greatest) == pytest.approx((1.8, 1.5, 4.0))


def test_one_round_with_an_unknown_signal_takes_the_row_out() -> None:
    found = bar(
        sample("envoy", 1, 1.0),
        sample("native", 1, 1.5),
        sample("envoy", 2, 1.0),
        sample("native", 2, 1.5, ("1 unknown signals",)),
    )
    assert found.verdict == "not counted"
    assert "unknown" in found.why


def test_a_baseline_that_is_absent_leaves_a_bar_unmeasured() -> None:
    assert bar(sample("native", 1, 1.5)).verdict == "not measured"


def test_choosing_a_variant_brings_its_baselines() -> None:
    assert closure(["static"]) == ["envoy", "noop", "rules", "static"]


def test_more_workers_are_measured_only_where_they_can_matter() -> None:
    doubled = {cell.variant for cell in cells(list(VARIANTS), [1, 2]) if cell.workers == 2}
    assert doubled == {name for name, variant in VARIANTS.items() if variant.scaled}
