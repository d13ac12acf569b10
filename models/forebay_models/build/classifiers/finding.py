"""One measured sentence: on which rows, by which model, how well, and how much better than what is trivial."""

from dataclasses import dataclass
from typing import Literal

from forebay_models.build.metrics import Figure

Split = Literal["in-distribution", "left out", "over-defence", "disguised"]
Model = Literal["shipped", "fold"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`reference` and `baseline` judged the same rows in the same run; `gains` are paired differences to them."""

    what: str
    split: Split
    model: Model
    rows: int
    ours: Figure
    target: float | None = None
    reference: tuple[str, Figure] | None = None
    baseline: tuple[str, Figure] | None = None
    gains: tuple[Figure | None, Figure | None] = (None, None)

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        gap = self.target - self.ours.value
        return "met" if gap <= 0 else f"missed by {gap:.{3 if gap >= 0.001 else 4}f}"


HEADER = (
    "| what | split | model | rows | this model | target | reference | gain over it | baseline | gain over it |",
    "|---|---|---|---|---|---|---|---|---|---|",
)


def table(findings: list[Finding]) -> list[str]:
    """Markdown."""
    return [*HEADER, *(_line(finding) for finding in findings)]


def _line(found: Finding) -> str:
    def named(pair: tuple[str, Figure] | None) -> str:
        return f"{pair[0]} {pair[1].value:.3f}" if pair else "-"

    def gain(figure: Figure | None) -> str:
        return f"{figure.value:+.3f} ({figure.low:+.3f} to {figure.high:+.3f})" if figure else "-"

    target = f"{found.target:.3g}, {found.verdict}" if found.target is not None else "-"
    cells = (
        found.what, found.split, found.model, f"{found.rows:,}", str(found.ours), target, named(found.reference),
        gain(found.gains[0]), named(found.baseline), gain(found.gains[1]),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"
