"""Measures: cold start, one change at a time, endpoints that churn. Ratios are for docs/benchmarks.md to draw."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx

from ..binaries import locate
from ..conftest import apply_crds
from ..control_plane import running_control_plane
from ..installation import Installation
from ..isolation import can_listen, isolate
from ..kube import Kube, condition_of, place
from ..process import Process
from ..waiting import wait_until
from .world import FIRST_PORT, Size, client, policy, slice_of, write

NAMESPACE: Final = "scale"
ROUNDS: Final = 30
CHANGES_PER_SECOND: Final = 50
OUT: Final = Path("build/bench/scale.json")
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024  # type: ignore[union-attr]


def sent(forebay: Installation) -> dict[str, float]:
    """Resources sent so far, by client and type."""
    found = re.findall(
        r'forebay_xds_resources_sent_total\{client="(\w+)",type="(\w+)"\} ([\d.e+]+)', forebay.metrics(0)
    )
    return {f"{kind} {name}": float(value) for kind, name, value in found}


def sent_since(forebay: Installation, before: dict[str, float]) -> dict[str, float]:
    return {key: value - before.get(key, 0.0) for key, value in sent(forebay).items() if value != before.get(key, 0.0)}


def revision(forebay: Installation) -> tuple[str, int]:
    """What the data plane has in force: revision and number of policies."""
    page = httpx.get(f"http://127.0.0.1:{forebay.data_plane_metrics['dp-0']}/metrics", trust_env=False).text
    found = re.search(r"forebay_config_info\{([^}]*)\} 1", page)
    labels = dict(re.findall(r'(\w+)="([^"]*)"', found.group(1))) if found else {}
    return labels.get("revision", ""), int(labels.get("policies", 0))


def envoy_clusters(forebay: Installation) -> int:
    url = f"http://127.0.0.1:{forebay.admin_ports['envoy-0']}/stats?filter=cluster_manager.active_clusters"
    return int(httpx.get(url, trust_env=False).text.rpartition(":")[2])


def programmed(kube: Kube, name: str, generation: int) -> bool:
    stored = kube.get("RoutingPolicy", NAMESPACE, name) or {}
    for condition in stored.get("status", {}).get("conditions", []):
        if condition["type"] == "Programmed":
            return condition["status"] == "True" and condition["observedGeneration"] == generation
    return False


def unprogrammed(kube: Kube) -> int:
    """Policies and pools whose status does not say yet that all have them."""
    stored = [*kube.list("RoutingPolicy", NAMESPACE), *kube.list("ModelPool", NAMESPACE)]
    return sum(condition_of(each, "Programmed").get("status") != "True" for each in stored)


def cold_start(forebay: Installation, size: Size) -> dict[str, Any]:
    started = time.monotonic()
    forebay.operators[0].start()
    wait_until(lambda: revision(forebay)[1] == size.policies, "the data plane has every policy", 300, pause=0.2)
    data_plane = time.monotonic() - started
    wait_until(lambda: envoy_clusters(forebay) >= size.pools, "Envoy has every cluster", 300, pause=0.2)
    envoy = time.monotonic() - started
    wait_until(lambda: unprogrammed(forebay.kube) == 0, "every status is written", 300, pause=1.0)
    pid = forebay.operators[0].pid
    return {
        "dataPlaneSeconds": data_plane,
        "envoySeconds": envoy,
        "allStatusesSeconds": time.monotonic() - started,
        "cpuSeconds": cpu_seconds(pid),
        "sent": sent(forebay),
    }


def wait_quiet(forebay: Installation, seconds: float = 300.0) -> None:
    """Until the operator has written what it had to and uses little of the CPU."""
    pid = forebay.operators[0].pid

    def quiet() -> bool:
        before = cpu_seconds(pid)
        time.sleep(3.0)
        return cpu_seconds(pid) - before < 0.9

    wait_until(quiet, "the operator is quiet", seconds, pause=1.0)


def single_changes(forebay: Installation, size: Size, *, routes: bool) -> dict[str, Any]:
    """Edit one policy after another; from the edit to `Programmed=True` of that generation, which includes the write.
    With `routes` the edit names another pool, so that Envoy's route table changes, too."""
    taken, told = [], []
    for turn in range(ROUNDS):
        name = f"policy-{turn * 7 % size.policies}"
        before, known = sent(forebay), revision(forebay)[0]
        made = policy(turn * 7 % size.policies, size.pools, limit=5000 + turn, beside=turn + 2 if routes else 1)
        started = time.monotonic()
        stored = forebay.kube.patch("RoutingPolicy", NAMESPACE, name, {"spec": made["spec"]})
        wait_until(lambda known=known: revision(forebay)[0] != known, "the data plane has it", 20, pause=0.01)
        in_force = time.monotonic() - started
        generation = stored["metadata"]["generation"]
        wait_until(
            lambda name=name, generation=generation: programmed(forebay.kube, name, generation),
            "programmed",
            20,
            pause=0.01,
        )
        taken.append((in_force, time.monotonic() - started))
        told.append(sent_since(forebay, before))
        time.sleep(0.2)
    return {
        "inForce": quantiles([t[0] for t in taken]),
        "programmed": quantiles([t[1] for t in taken]),
        "sent": told[-1],
    }


def quantiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {"p50": statistics.median(ordered), "p95": ordered[int(0.95 * (len(ordered) - 1))], "max": ordered[-1]}


async def churn(forebay: Installation, size: Size, seconds: float) -> dict[str, Any]:
    """Take one endpoint of each pool in turn out of its slice, and put it back on the next round."""
    pid = forebay.operators[0].pid
    before, cpu = sent(forebay), cpu_seconds(pid)
    out: dict[int, int | None] = {}
    path = place("EndpointSlice", NAMESPACE)
    started = time.monotonic()
    changes = 0
    async with client(forebay.kube) as http:
        while (due := started + changes / CHANGES_PER_SECOND) < started + seconds:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            number = changes % size.pools
            out[number] = changes % size.each if out.get(number) is None else None
            made = slice_of(number, size.each, without=out[number])
            (await http.put(f"{path}/pool-{number}-0", json=made)).raise_for_status()
            changes += 1
    took = time.monotonic() - started
    used = cpu_seconds(pid) - cpu
    await asyncio.sleep(3.0)
    return {
        "seconds": took,
        "changesPerSecond": changes / took,
        "cpuSeconds": used,
        "cores": used / took,
        "missed": missed(forebay, size, out),
        "sent": sent_since(forebay, before),
    }


def missed(forebay: Installation, size: Size, out: dict[int, int | None]) -> int:
    """Pools whose endpoints in Envoy are not those of their slices."""
    dump = httpx.get(
        f"http://127.0.0.1:{forebay.admin_ports['envoy-0']}/config_dump?include_eds&resource=dynamic_endpoint_configs",
        trust_env=False,
        timeout=60,
    ).json()
    found: dict[str, int] = {}
    for entry in dump["configs"]:
        load = entry["endpoint_config"]
        members = [m for locality in load.get("endpoints", []) for m in locality.get("lb_endpoints", [])]
        found[load["cluster_name"].rpartition("/")[2]] = len(members)
    wrong = 0
    for number in range(size.pools):
        wanted = size.each - (out.get(number) is not None)
        wrong += found.get(f"pool-{number}") != wanted
    return wrong


def measure(forebay: Installation, size: Size, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    found: dict[str, Any] = {"size": {"policies": size.policies, "pools": size.pools, "endpoints": size.endpoints}}
    say("cold start")
    found["coldStart"] = cold_start(forebay, size)
    say(json.dumps(found["coldStart"]))
    wait_quiet(forebay)
    pid = forebay.operators[0].pid
    found["residentMiB"] = resident_mib(pid)
    before = cpu_seconds(pid)
    time.sleep(10.0)
    found["idleCores"] = (cpu_seconds(pid) - before) / 10.0
    say(f"resident {found['residentMiB']:.0f} MiB, idle {found['idleCores']:.2f} cores; {ROUNDS} single changes")
    for name, routes in (("change", False), ("changeOfRoutes", True)):
        found[name] = single_changes(forebay, size, routes=routes)
        say(f"{name}: {json.dumps(found[name])}")
    say(f"churn, {seconds:g} s")
    found["churn"] = asyncio.run(churn(forebay, size, seconds))
    found["residentMiBAfter"] = resident_mib(pid)
    say(json.dumps(found["churn"]))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m e2e.scale.run", description=__doc__)
    parser.add_argument("--policies", type=int, default=1000)
    parser.add_argument("--pools", type=int, default=1000)
    parser.add_argument("--endpoints", type=int, default=10_000)
    parser.add_argument("--scraped", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0, help="of churn")
    parser.add_argument("--keep", type=Path, help="where logs are kept")
    given = parser.parse_args()
    size = Size(given.policies, given.pools, given.endpoints, given.scraped)
    if not can_listen() and (why := isolate()):
        print(f"SKIPPED: {why}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no process is left behind
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {text}", file=sys.stderr, flush=True)

    binaries = {name: path for name in ("etcd", "kube-apiserver") if (path := locate(name))}
    with contextlib.ExitStack() as stack:
        if given.keep is not None:
            given.keep.mkdir(parents=True)  # what an earlier run has left there would be started from
        folder = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fb-scale-")))
        control = stack.enter_context(running_control_plane(binaries))
        apply_crds(control.kube)
        control.kube.kubectl("create", "namespace", NAMESPACE)
        took = asyncio.run(write(control.kube, NAMESPACE, world_of(size)))
        say(f"{size.policies} policies, {size.pools} pools, {size.endpoints} endpoints written in {took:.1f} s")
        pages = Process([sys.executable, "-m", "e2e.scale.pages", str(FIRST_PORT), "40"], folder / "pages.log")
        pages.start()
        stack.callback(pages.kill)
        forebay = Installation(control.kube, NAMESPACE, folder)
        stack.callback(forebay.stop)
        forebay.add_operator(start=False)
        forebay.add_data_plane("dp-0")
        forebay.add_envoy("envoy-0")
        found = measure(forebay, size, given.seconds, say)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(found, indent=1))
    print(json.dumps(found, indent=1))
    return 0


def world_of(size: Size) -> Any:
    from .world import world

    return world(size)


if __name__ == "__main__":
    sys.exit(main())
