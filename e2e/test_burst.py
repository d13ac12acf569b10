"""Many changes at once, and one change alone: few publications for the former, no waiting for the latter."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from .installation import Installation, installed
from .kube import Kube, condition_of
from .manifests import policy, pool
from .scale import world
from .scale.world import Size
from .waiting import wait_until

CHANGES = 1000
GATHER_SECONDS = 0.1


@pytest.fixture
def forebay(kube: Kube, namespace: str, tmp_path: Path) -> Iterator[Installation]:
    with installed(kube, namespace, tmp_path) as made:
        made.add_operator()
        made.add_data_plane("dp-0")
        made.add_envoy("envoy-0")
        kube.apply(fixed("small") + policy("first", "small"), namespace=namespace)
        kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")
        yield made


def fixed(name: str) -> str:
    """A pool that rests on nothing else."""
    return pool(name).replace(
        f"service: {{name: {name}, port: 8000}}", "addresses: [{host: 192.0.2.9, port: 9}]"
    ).replace("engine: vLLM", "engine: None")  # fmt: skip


class Page:
    """The operator's metrics at one moment."""

    def __init__(self, forebay: Installation) -> None:
        families = text_string_to_metric_families(forebay.metrics(0))
        self._samples = [sample for family in families for sample in family.samples]

    def sum(self, name: str, **labels: str) -> float:
        return sum(s.value for s in self._samples if s.name == name and labels.items() <= s.labels.items())

    def late(self, seconds: str) -> float:
        """Looks at the loop that came later than that."""
        name = "forebay_loop_lag_seconds"
        return self.sum(f"{name}_count") - self.sum(f"{name}_bucket", le=seconds)


def test_a_thousand_changes_make_few_publications_and_never_hold_the_loop(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    size = Size(policies=CHANGES // 2, pools=CHANGES // 2, endpoints=CHANGES // 2, scraped=0)
    objects = [
        *(_fixed_pool(number) for number in range(size.pools)),
        *(world.policy(number, size.pools) for number in range(size.policies)),
    ]
    before = Page(forebay)
    took = asyncio.run(world.write(kube, namespace, objects))

    def programmed() -> bool:
        stored = [*kube.list("RoutingPolicy", namespace), *kube.list("ModelPool", namespace)]
        return len(stored) == CHANGES + 2 and all(
            condition_of(entry, "Programmed").get("status") == "True" for entry in stored
        )

    wait_until(programmed, "all of them are programmed", 60.0, pause=0.5)
    after = Page(forebay)
    made = after.sum("forebay_reconciles_total") - before.sum("forebay_reconciles_total")
    slow, late = (after.late(seconds) - before.late(seconds) for seconds in ("0.1", "0.5"))
    print(f"{CHANGES} changes in {took:.1f} s, {made:g} reconciles; {slow:g} looks over 0.1 s, {late:g} over 0.5 s")
    # An API server that takes its time with the writes makes a longer burst.
    assert made < max(60, 5 * took)
    assert after.sum("forebay_reconciles_total", result="failed") == 0
    # The loop answers probes, acknowledgements and the Lease all the while.
    assert late <= 2
    assert after.sum("forebay_status_writes_total", result="written") <= 4 * CHANGES
    assert after.sum("forebay_status_writes_total", result="failed") == 0


def test_a_single_change_waits_for_nothing(forebay: Installation) -> None:
    """From the API server's answer to the write until the operator has published it, less the reconcile itself."""
    name, delays = "forebay_reconcile_seconds_sum", []
    for number in range(10):
        time.sleep(0.5)  # nothing rests any more from the change before
        before, worked = forebay.revision(0), Page(forebay).sum(name)
        changed = {"spec": {"maxRequestBytes": f"{number + 1}Mi"}}
        forebay.kube.patch("RoutingPolicy", forebay.namespace, "first", changed)
        answered = time.monotonic()
        wait_until(lambda before=before: forebay.revision(0) != before, "it is published", pause=0.002)
        delay = time.monotonic() - answered
        delays.append(delay - (Page(forebay).sum(name) - worked))
    print("until gathered:", [f"{delay * 1000:.0f} ms" for delay in delays])
    # A rest that is built in would delay each of them; what a busy machine adds it adds to some.
    assert min(delays) < GATHER_SECONDS


def _fixed_pool(number: int) -> dict[str, Any]:
    made = world.pool(number, scraped=False)
    made["spec"]["backend"] = {"addresses": [{"host": "192.0.2.9", "port": 9}]}
    return made
