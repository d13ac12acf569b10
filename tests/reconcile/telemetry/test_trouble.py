"""What somebody should look at is told as gauges, by the leader alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from forebay_operator.telemetry.metrics import OperatorMetrics
from forebay_operator.telemetry.trouble import watch_trouble
from forebay_operator.xds.acknowledgements import Rejection
from forebay_transport.certificates import Certificates
from forebay_transport.security import Security
from forebay_transport.validity import expiry

from ...authority import Authority


class Bench:
    """Everything that is wrong at once."""

    def __init__(self, security: Security | None = None, *, leads: bool = True) -> None:
        self.keeper = SimpleNamespace(fault="the configuration needs 16 shards")
        listener = "type.googleapis.com/envoy.config.listener.v3.Listener"
        refused = [Rejection(f"envoy/{pod}", listener, "public", "1", "cannot bind") for pod in "ab"]
        writer: Any = SimpleNamespace(untrue=lambda: Counter({("ModelPool", "Ready", "NoReadyEndpoints"): 2}))
        server: Any = SimpleNamespace(rejections=lambda: tuple(refused))
        keeper: Any = self.keeper
        self.metrics = OperatorMetrics()
        watch_trouble(self.metrics, writer, server, keeper, security or Security(), lambda: leads)

    def lines(self) -> list[str]:
        text = self.metrics.page()()[1].decode()
        named = ("forebay_objects", "forebay_xds_refused", "forebay_last_good", "forebay_certificate")
        return [line for line in text.splitlines() if line.startswith(named)]


def test_the_leader_tells_of_objects_refusals_and_a_copy_that_is_not_kept() -> None:
    bench = Bench()
    assert bench.lines() == [
        'forebay_objects_amiss{condition="Ready",kind="ModelPool",reason="NoReadyEndpoints"} 2.0',
        'forebay_xds_refused{client="envoy",type="Listener"} 2.0',
        "forebay_last_good_failing 1.0",
    ]
    bench.keeper.fault = ""
    assert "forebay_last_good_failing 0.0" in bench.lines()


def test_a_standby_tells_nothing_of_what_it_does_not_know() -> None:
    assert Bench(leads=False).lines() == []


def test_everybody_tells_until_when_its_certificates_hold_the_newest_ones(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("operator")
    bench = Bench(Security(certificates=Certificates(files)), leads=False)
    for _ in range(2):
        told = {line.split('"')[1]: float(line.rpartition(" ")[2]) for line in bench.lines()}
        assert told == {"own": expiry(files.cert.read_bytes()), "ca": expiry(files.ca.read_bytes())}
        authority.issue("operator")
