"""What a run has found: raw samples by round, and the ratios computed within a round.

The machine's mood changes from minute to minute, so two variants are only ever compared within one round; the median of
those ratios is the figure, and their spread says how far to trust it.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Final

import msgspec
from encoder_time import Timing
from load import Outcome
from machine import Machine
from settings import Settings
from variants import Cell, system_name

ABSENT: Final = "not in this run"


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One cell in one round. `cpu_seconds` is the CPU time that the system spent over the generator's whole run, by role of
    the process; `others` the share of the machine that processes outside the benchmark took meanwhile; `wrong` says why
    the sample does not count (empty where it does)."""

    cell: Cell
    round: int
    outcome: Outcome
    cpu_seconds: dict[str, float]
    others: float = 0.0
    wrong: tuple[str, ...] = ()

    @property
    def per_core_second(self) -> float:
        """Requests for each second of CPU time that the system spent."""
        spent = sum(self.cpu_seconds.values())
        return self.outcome.total / spent if spent > 0 else 0.0

    def micros(self, role: str) -> float:
        """Microseconds of CPU time a request that processes of this role spent."""
        return self.cpu_seconds.get(role, 0.0) / max(1, self.outcome.total) * 1e6


class Spread(msgspec.Struct, frozen=True):
    """A median with the least and the greatest of its rounds."""

    median: float
    least: float
    greatest: float


class Results(msgspec.Struct, kw_only=True):
    """Everything a run has measured; grows while it runs. `missing` says why there is nothing: by system, by measurement without load,
    or by `omission`."""

    machine: Machine
    settings: Settings
    samples: list[Sample] = []
    encoders: dict[int, dict[str, Timing]] = {}
    """By round."""
    start_seconds: list[float] = []
    memory_mib: dict[str, float] = {}
    missing: dict[str, str] = {}

    def of(self, cell: Cell) -> dict[int, Sample]:
        """The samples of a cell by round."""
        return {sample.round: sample for sample in self.samples if sample.cell == cell}

    def why_missing(self, cell: Cell) -> str:
        """Why the cell has no samples."""
        system = system_name(cell)
        return self.missing.get(omission(cell)) or self.missing.get(system) or ABSENT

    def faults(self, cell: Cell) -> list[str]:
        """Why the cell does not count: one reason is enough, in whichever round."""
        return sorted({why for sample in self.of(cell).values() for why in sample.wrong})


def omission(cell: Cell) -> str:
    """The key in `missing` of a variant that its system does not serve as it should."""
    return f"{cell.variant} on {system_name(cell)}"


def spread(values: list[float]) -> Spread | None:
    """None where there is no value."""
    return Spread(statistics.median(values), min(values), max(values)) if values else None


def together(results: Results, cells: list[Cell], compute: Callable[[list[Sample]], float]) -> list[float]:
    """`compute` over the cells' samples of each round in which all of them were measured."""
    by_round = [results.of(cell) for cell in cells]
    shared = sorted(set.intersection(*(set(found) for found in by_round))) if by_round else []
    return [compute([found[number] for found in by_round]) for number in shared]
