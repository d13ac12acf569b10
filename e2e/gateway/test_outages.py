"""What happens to requests while a part is down: the operator, a data plane, Envoy Gateway itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from ..kube import condition_of
from ..load import under_load
from ..process import Process
from ..waiting import wait_until
from .behind import Site
from .manifests import route

OUTAGE_SECONDS: Final = 60.0
"""Within which everything is back after Envoy Gateway was killed and started at once."""


def attached(site: Site, extra: str = "") -> None:
    site.apply(site.policy(extra=extra))
    site.programmed()
    site.wait_served_by("small")


@contextmanager
def down(process: Process) -> Iterator[None]:
    """A part that is killed for as long as the block takes."""
    process.kill()
    try:
        yield
    finally:
        process.start()


def test_routes_that_change_while_the_operator_is_down_are_caught_up_with(site: Site) -> None:
    attached(site)
    moved, added = f"moved.{site.host}", f"{site.name}-b"
    with under_load(site.ask) as load:
        with down(site.behind.installation.operators[0]):
            site.apply(site.own_route(host=f"{site.host}, {moved}"))
            site.apply(route(added, site.name, "theirs", host=f"other.{site.host}"))
            # The route has the policy's processor, and the data planes know nothing of a policy on the new host yet.
            wait_until(lambda: "no_policy" in site.ask(host=moved).text, "the new host is refused and not let by", 30)
            other = f"other.{site.host}"
            wait_until(lambda: site.ask(host=other).headers.get("x-sim-server") == "theirs", "other routes come", 30)
        wait_until(lambda: site.ask(host=moved).headers.get("x-sim-server") == "small", "the policy is there, too", 60)
        site.programmed()
    assert not load.failed, site.told_of(load)
    assert site.ask(host=other).headers["x-sim-server"] == "theirs"


def test_a_policy_that_is_deleted_while_the_operator_is_down_leaves_nothing(site: Site) -> None:
    """And loses nobody: the next operator knows it from the copy that the former one has kept."""
    attached(site)
    installation, key = site.behind.installation, f"{site.namespace}/{site.name}".encode()
    wait_until(lambda: key in installation.last_good(), "the copy has the policy", pause=0.5)
    with under_load(site.ask) as load:
        with down(installation.operators[0]):
            site.delete("routingpolicy", site.name)
            time.sleep(1.0)
        site.behind.wait_nothing_generated(60)
        site.wait_served_by("theirs")
    assert not load.failed, site.told_of(load)


def test_without_a_data_plane_a_request_is_refused_soon_and_goes_nowhere_undecided(site: Site) -> None:
    attached(site)
    process, _ = site.behind.installation.data_planes["dp-0"]
    with down(process):
        started = time.monotonic()
        answer = site.ask("hello", **{"x-forebay-cluster": f"pool/{site.namespace}/large"})
        took = time.monotonic() - started
        assert answer.status_code in (503, 504), answer.text
        assert took < 9.0, "sooner than anybody gives up"
    site.wait_served_by("small", seconds=60)


def test_with_fail_open_its_pool_answers_without_a_data_plane(site: Site) -> None:
    attached(site, extra="  failOpen: {pool: large, model: large-model}\n")
    process, _ = site.behind.installation.data_planes["dp-0"]
    with down(process):
        site.wait_served_by("large")
        forged = site.ask("hello", **{"x-forebay-cluster": f"pool/{site.namespace}/small"})
        assert forged.headers["x-sim-server"] == "large"
    site.wait_served_by("small", seconds=60)


def test_a_restart_of_envoy_gateway_is_an_outage_here_and_all_is_as_it_was(
    site: Site, record_property: Callable[[str, object], None]
) -> None:
    """In this mode an Envoy is a child that dies with Envoy Gateway; in a cluster it is a Deployment that does not."""
    attached(site)
    before = site.behind.generated()
    stored = site.kube.get("RoutingPolicy", site.namespace, site.name) or {}
    changed = condition_of(stored, "Programmed")["lastTransitionTime"]
    gateways = site.behind.envoy_gateway
    with under_load(site.ask) as load:
        started = time.monotonic()
        gateways.kill()
        wait_until(lambda: site.ask().status_code == 599, "nobody listens", 10, pause=0.01)
        gateways.start()
        site.wait_served_by("small", seconds=OUTAGE_SECONDS)
        outage = time.monotonic() - started
        answered = load.answers["200"]
        wait_until(lambda: load.answers["200"] > answered + 20, "requests are answered again", 30)
    record_property("outage seconds", round(outage, 1))
    print(f"Envoy Gateway killed and started: {outage:.1f} s until the policy's pool answers; {dict(load.answers)}")
    assert set(load.failed) <= {"599"}, f"nothing but refused connections: {load.failed}: {load.last}"
    assert site.behind.generated() == before
    now = condition_of(site.kube.get("RoutingPolicy", site.namespace, site.name) or {}, "Programmed")
    assert (now["status"], now["lastTransitionTime"]) == ("True", changed), "no status has flapped"
