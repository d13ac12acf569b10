"""What one policy lets go of another one takes, or nobody does, while requests come in: none is lost, and none goes by."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..load import Load, under_load
from ..waiting import wait_until
from .behind import Site
from .manifests import policy, route

SHADOW = "  mode: Shadow\n"


@contextmanager
def none_lost(site: Site, *servers: str) -> Iterator[Load]:
    """Requests while the block runs, and a little longer: every one is answered, by one of these servers."""
    with under_load(site.ask) as load:
        yield load
        seen = load.answers.total()
        wait_until(lambda: load.answers.total() > seen + 20, "requests after all of it", 30)
    assert not load.failed, site.told_of(load)
    assert set(load.servers) == set(servers), load.servers


def nothing_left(site: Site, policy: str) -> None:
    """Wait until nothing is there any more that was written for a policy: what goes last may be met by somebody, too."""
    wait_until(lambda: not site.generated(policy), f"nothing of {policy} is left", 60)


def routes_of(site: Site, policy: str) -> int:
    return sum(found.startswith("HTTPRoute/") for found in site.generated(policy))


def two(site: Site) -> tuple[str, str]:
    """An older policy that has the route, to `small`, and a younger one that would have it, to `large`."""
    older, younger = site.name, f"{site.name}-b"
    site.apply(site.policy())
    site.programmed()
    time.sleep(1.1)  # ages are in whole seconds
    site.apply(site.policy(younger, otherwise="large"))
    assert site.wait(younger, "Accepted", "False")["reason"] == "Conflicted"
    site.wait_served_by("small")
    return older, younger


def test_a_policy_that_becomes_a_shadow_loses_no_request_and_enforces_again(site: Site) -> None:
    site.apply(site.policy())
    site.programmed()
    site.wait_served_by("small")

    with none_lost(site, "small", "theirs"):
        for _ in range(2):
            site.apply(site.policy(extra=SHADOW))
            site.wait_served_by("theirs")
            site.programmed()
            site.apply(site.policy())
            site.wait_served_by("small")
            site.programmed()


def test_a_target_goes_from_a_policy_that_is_deleted_to_the_next_one_and_no_request_goes_by(site: Site) -> None:
    older, younger = two(site)

    with none_lost(site, "small", "large"):
        site.delete("routingpolicy", older)
        site.wait_served_by("large")
        site.programmed(younger)
        nothing_left(site, older)


def test_a_target_goes_to_and_from_a_policy_that_becomes_a_shadow_and_no_request_goes_by(site: Site) -> None:
    older, younger = two(site)

    with none_lost(site, "small", "large"):
        site.apply(site.policy(extra=SHADOW))
        site.wait_served_by("large")
        site.programmed(younger)
        site.apply(site.policy())  # the older one: it has the route again
        site.wait_served_by("small")
        site.programmed(older)
        nothing_left(site, younger)


def test_two_policies_change_their_routes_and_no_request_goes_by(site: Site) -> None:
    second, younger = f"{site.name}-b", f"{site.name}-c"
    host = f"second.{site.host}"
    site.apply(route(second, site.name, "theirs", host=host))
    site.apply(site.policy() + policy(younger, second, otherwise="large"))
    for name in (site.name, younger):
        site.programmed(name)
    site.wait_served_by("small")
    wait_until(lambda: site.ask(host=host).headers.get("x-sim-server") == "large", "the other route is served", 30)

    with under_load(lambda: site.ask(host=host)) as other, none_lost(site, "small", "large"):
        site.apply(policy(site.name, second) + policy(younger, site.name, otherwise="large"))
        site.wait_served_by("large")
        wait_until(lambda: site.ask(host=host).headers.get("x-sim-server") == "small", "both have changed", 30)
        for name in (site.name, younger):
            site.programmed(name)
        wait_until(
            lambda: routes_of(site, site.name) == routes_of(site, younger) == 1, "what they have left is gone", 60
        )
    assert not other.failed, site.told_of(other, host)
    assert set(other.servers) == {"small", "large"}, other.servers


def test_a_policy_that_moves_from_the_route_to_its_gateway_lets_no_request_go_by(site: Site) -> None:
    site.apply(site.policy())
    site.programmed()
    site.wait_served_by("small")
    wide = f"{site.name}-gw"

    with none_lost(site, "small", "large"):
        site.apply(site.policy(wide, kind="Gateway", otherwise="large"))
        site.delete("routingpolicy", site.name)
        site.wait_served_by("large")
        site.programmed(wide)
        nothing_left(site, site.name)
