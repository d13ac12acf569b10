"""The autoscaling examples are what the API server takes; whether they scale anything is not tried here."""

from __future__ import annotations

from .conftest import ROOT
from .kube import Kube

EXAMPLE = ROOT / "examples" / "autoscaling" / "hpa.yaml"


def test_the_autoscaler_is_one_that_the_api_server_takes(kube: Kube, namespace: str) -> None:
    done = kube.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "-n", namespace, "-f", str(EXAMPLE))
    )
    assert "qwen-small serverside-applied (server dry run)" in done.stdout
