"""Many changes at once, and one change alone: few publications for the former, no waiting for the latter."""

from __future__ import annotations

import asyncio
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
FEW = 5
"""Changes that a publication holds at least, in the mean; twenty or so where the machine has nothing else to do."""
SINGLE = 20
GATHER_SECONDS = "0.1"


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

    def late(self, seconds: str, name: str = "forebay_loop_lag_seconds") -> float:
        """How many of a histogram's values are above one of its bounds."""
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

    wait_until(programmed, "all of them are programmed", 180.0, pause=0.5)
    after = Page(forebay)
    made = after.sum("forebay_reconciles_total") - before.sum("forebay_reconciles_total")
    looks = after.sum("forebay_loop_lag_seconds_count") - before.sum("forebay_loop_lag_seconds_count")
    slow, late = (after.late(seconds) - before.late(seconds) for seconds in ("0.1", "0.5"))
    print(
        f"{CHANGES} changes in {took:.1f} s, {made:g} reconciles; {slow:g} of {looks:g} looks over 0.1 s, {late:g} over 0.5 s"
    )
    assert made < CHANGES / FEW
    assert after.sum("forebay_reconciles_total", result="failed") == 0
    # The loop answers probes, acknowledgements and the Lease all the while.
    assert late <= max(2, looks / 100)
    assert after.sum("forebay_status_writes_total", result="written") <= 4 * CHANGES
    assert after.sum("forebay_status_writes_total", result="failed") == 0


def test_a_single_change_waits_for_less_than_a_tenth_of_a_second(forebay: Installation) -> None:
    """As the operator says itself: from the event's arrival until it is taken up. What a busy machine adds to some it does
    not add to most; that none waits longer by design is a property of tests/reconcile/cluster/test_burst.py."""
    name, before = "forebay_gather_seconds", Page(forebay)
    for number in range(SINGLE):
        revision = forebay.revision(0)
        changed = {"spec": {"maxRequestBytes": f"{number + 1}Mi"}}
        forebay.kube.patch("RoutingPolicy", forebay.namespace, "first", changed)
        wait_until(lambda before=revision: forebay.revision(0) != before, "it is published", 60.0)
    after = Page(forebay)
    gathered = after.sum(f"{name}_count") - before.sum(f"{name}_count")
    late = after.late(GATHER_SECONDS, name) - before.late(GATHER_SECONDS, name)
    mean = (after.sum(f"{name}_sum") - before.sum(f"{name}_sum")) / gathered
    print(
        f"{gathered:g} changes gathered, {mean * 1000:.0f} ms in the mean, {late:g} after more than {GATHER_SECONDS} s"
    )
    assert gathered >= SINGLE
    assert late <= gathered / 4


def _fixed_pool(number: int) -> dict[str, Any]:
    made = world.pool(number, scraped=False)
    made["spec"]["backend"] = {"addresses": [{"host": "192.0.2.9", "port": 9}]}
    return made
