"""A decision record as a person reads it: the choice first, then what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from forebay_cli.explain.case import Explained
from forebay_decision.record import DecisionRecord, SignalRecord

_NUMBERS: Final = ("score", "threshold", "us")
_TRUTH: Final = {True: "yes", False: "no", None: ""}


def print_explained(console: Console, explained: Explained) -> None:
    """The record as tables; an answer without a model shows its status and error."""
    record = explained.record
    if explained.error is not None:
        console.print(Text(f"{explained.status}  {explained.error.get('message', '')}", style="bold red"))
    if record is None:
        return
    parts: list[Table | Text] = [_choice(record)]
    if record.signals:
        parts.append(_signals(record))
    if record.candidates:
        parts.append(_candidates(record))
    console.print(Group(*parts))


def _choice(record: DecisionRecord) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")
    rows = {
        "pool": record.pool,
        "model": record.model,
        "rule": record.rule,
        "strategy": record.strategy,
        "because": record.reason,
        "policy": f"{record.policy} ({record.mode}, revision {record.revision})",
        "decided by": record.decided_by,
        "confidence": f"{record.confidence:.3f}",
        "constraints": ", ".join(f"{key} {value}" for key, value in record.constraints.items()),
        "fallbacks": ", ".join(f"{hop.pool} ({hop.model})" for hop in record.fallbacks),
        "expected cost": f"${record.expected_cost_usd}" if record.expected_cost_usd else "",
        "took": f"{record.micros} us",
    }
    for name, value in rows.items():
        if value:
            table.add_row(Text(name, style="dim"), Text(value, style="bold" if name in ("pool", "model") else ""))
    return table


def _signals(record: DecisionRecord) -> Table:
    columns = ("signal", "matched", "label", "score", "threshold", "also", "us")
    rows = list[tuple[str, ...]]()
    for name, signal in sorted(record.signals.items()):
        matched = f"unknown: {signal.unknown}" if signal.unknown else _TRUTH[signal.matched]
        score = "" if signal.score is None else f"{signal.score:.3f}"
        threshold = "" if signal.threshold is None else f"{signal.threshold:.2f}"
        rows.append((name, matched, signal.label or "", score, threshold, _also(signal), str(signal.micros)))
    return _filled("signals", columns, rows)


def _filled(title: str, columns: Sequence[str], rows: Sequence[Sequence[Text | str]]) -> Table:
    """A table without the columns that nobody fills; where it is narrow words go on below, and none is cut off."""
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    used = [at for at in range(len(columns)) if any(row[at] for row in rows)]
    for at in used:
        table.add_column(columns[at], justify="right" if columns[at] in _NUMBERS else "left", overflow="fold")
    for row in rows:
        table.add_row(*(row[at] for at in used))
    return table


def _also(signal: SignalRecord) -> str:
    """Counts and other facts by name; what is zero is left out."""
    facts = {**(signal.counts or {}), **(signal.values or {})}
    return ", ".join(f"{name} {fact:g}" if fact is not True else name for name, fact in facts.items() if fact)


def _candidates(record: DecisionRecord) -> Table:
    rows = list[tuple[Text | str, ...]]()
    for candidate in record.candidates:
        scores = ", ".join(f"{name} {score:g}" for name, score in candidate.scores.items())
        verdict = Text("yes", style="green") if candidate.eligible else Text(f"no: {candidate.reason}", style="yellow")
        rows.append((candidate.pool, candidate.model, verdict, scores))
    return _filled("candidates", ("pool", "model", "eligible", "scores"), rows)
