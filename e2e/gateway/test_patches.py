"""EnvoyPatchPolicies: what a Gateway's Envoy reports to the data planes, and what is said where it may not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ..kube import condition_of
from ..waiting import wait_until
from .behind import Behind, Site
from .envoy_gateway import EnvoyGateway

ENABLE = "enableEnvoyPatchPolicy"


def outcomes(behind: Behind, **labels: str) -> float:
    """How many outcomes with these labels the data plane has counted."""
    at = behind.installation.data_plane_metrics["dp-0"]
    text = httpx.get(f"http://127.0.0.1:{at}/metrics", trust_env=False).text
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("forebay_outcomes_total{") and all(part in line for part in wanted)
    )


def losses(site: Site, name: str = "") -> str:
    stored = site.kube.get("RoutingPolicy", site.namespace, name or site.name) or {}
    return str(condition_of(stored, "FullySupported").get("message", ""))


def patch_policies(site: Site) -> list[dict[str, Any]]:
    return site.kube.list("EnvoyPatchPolicy", site.namespace)


def test_outcomes_come_back_from_a_gateways_envoy(site: Site) -> None:
    site.apply(site.policy())
    site.programmed()
    site.wait_served_by("small")
    wait_until(lambda: losses(site) and "outcomes" not in losses(site), "the patches are taken", 30)
    before = outcomes(site.behind, pool="team/large", status="2xx")

    assert {site.asked("Prove the theorem.") for _ in range(5)} == {"large"}

    wait_until(lambda: outcomes(site.behind, pool="team/large", status="2xx") == before + 5, "outcomes arrive", 10)
