"""Which pages are read."""

from __future__ import annotations

from collections.abc import Callable

from forebay_api.pool import PoolSpec
from forebay_operator.backends.fixed import fixed_backends
from forebay_operator.scrape.targets import Target, endpoint_names, scrape_targets

Pool = Callable[..., PoolSpec]


def targets_of(pools: dict[str, PoolSpec]) -> tuple[Target, ...]:
    return scrape_targets(pools, fixed_backends(pools))


def test_each_endpoint_of_a_pool_with_telemetry_is_a_target(pool: Pool) -> None:
    targets = targets_of({"ai/small": pool(8001, 8002), "ai/mute": pool(telemetry={"engine": "None"})})
    assert [(t.pool, t.endpoint, t.port, t.scheme, t.serving) for t in targets] == [
        ("ai/small", "127.0.0.1:8001", 8001, "http", True),
        ("ai/small", "127.0.0.1:8002", 8002, "http", True),
    ]


def test_a_metrics_port_of_its_own_says_nothing_about_the_serving_port(pool: Pool) -> None:
    (target,) = targets_of({"ai/small": pool(8001, telemetry={"engine": "vLLM", "port": 9000})})
    assert (target.endpoint, target.port, target.serving) == ("127.0.0.1:8001", 9000, False)


def test_a_bought_endpoint_is_read_by_tls(pool: Pool) -> None:
    (target,) = targets_of({"ai/big": pool(backend={"external": {"hostname": "api.example.com"}})})
    assert (target.scheme, target.endpoint) == ("https", "api.example.com:443")


def test_the_time_out_is_shorter_than_the_interval(pool: Pool) -> None:
    (target,) = targets_of({"p": pool(1, telemetry={"engine": "vLLM", "interval": "200ms"})})
    assert target.timeout < target.interval == 0.2


def test_failures_slow_it_down_within_what_staleness_allows(pool: Pool) -> None:
    (target,) = targets_of({"p": pool(1, telemetry={"engine": "vLLM", "interval": "1s", "staleAfter": "7s"})})
    assert [target.pause(failures) for failures in (0, 1, 2, 3, 4, 10_000)] == [1, 1, 2, 3.5, 3.5, 3.5]


def test_an_interval_longer_than_staleness_stays_the_interval(pool: Pool) -> None:
    (target,) = targets_of({"p": pool(1, telemetry={"engine": "vLLM", "interval": "10s", "staleAfter": "5s"})})
    assert target.pause(5) == 10


def test_an_address_that_stands_there_twice_is_one_endpoint(pool: Pool) -> None:
    assert endpoint_names(fixed_backends({"p": pool(8001, 8001)})["p"]) == ("127.0.0.1:8001",)
    assert len(targets_of({"p": pool(8001, 8001)})) == 1
