"""What `forebay up` shows: where everything listens, then how it stands, in one line that follows the news."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

from forebay_cli.up.plan import Plan
from forebay_operator.telling.report import Report


def print_addresses(console: Console, plan: Plan) -> None:
    """A table of addresses, with the first thing to try."""
    table = Table.grid(padding=(0, 2))
    for listener in plan.addresses.listeners:
        table.add_row("requests", f"{listener}/v1")
    for index, port in enumerate(plan.addresses.metrics):
        table.add_row(f"metrics {index}", f"http://127.0.0.1:{port}/metrics")
    table.add_row("envoy admin", f"http://{plan.addresses.admin}")
    table.add_row("logs", str(plan.logs))
    console.print(table)


def where(plan: Plan) -> dict[str, Any]:
    """The addresses for machines: the first line of JSON output."""
    return {
        "listeners": list(plan.addresses.listeners),
        "metrics": [f"http://127.0.0.1:{port}/metrics" for port in plan.addresses.metrics],
        "admin": f"http://{plan.addresses.admin}",
        "logs": str(plan.logs),
    }


class Changes:
    """Prints the status line where it says something new."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._last = ""

    def tell(self, report: Report) -> None:
        line = status_line(report)
        if line != self._last:
            self._last = line
            self._write(line)


def status_line(report: Report) -> str:
    """Counts, and the first thing that is wrong."""
    if not (report.revision or report.policies or report.pools or report.errors):
        return "pending  reading the manifests"
    policies, pools = report.policies.values(), report.pools.values()
    ready = [sum(any(c.type == "Ready" and c.status == "True" for c in s.conditions) for s in group)
             for group in (policies, pools)]  # fmt: skip
    state = "live" if report.programmed else "pending"
    line = f"{state}  policies {ready[0]}/{len(policies)}  pools {ready[1]}/{len(pools)}"
    if report.revision:
        line += f"  revision {report.revision}"
    trouble = first_trouble(report)
    return f"{line}  {trouble}" if trouble else line


def first_trouble(report: Report) -> str:
    """The first file error, or the first object that is not ready, in its own words; empty when all is well."""
    for error in report.errors:
        line = f":{error.line}" if error.line else ""
        return f"{error.source}{line}: {error.path + ': ' if error.path else ''}{error.message}"
    for name, conditions in report.conditions():
        for condition in conditions:
            if condition.type == "Ready" and condition.status == "False":
                return f"{name}: {condition.message}"
    return (
        "" if report.policies or not report.revision else "there is no RoutingPolicy, so every request is answered 404"
    )
