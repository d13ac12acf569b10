"""How long after Envoy Gateway's word that it has accepted an HTTPRoute its Envoy serves it."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import httpx

from ..kube import Kube, place
from .team import HOSTNAME, NAMESPACE, STRAIGHT, own_route

LONGEST_SECONDS: Final = 300.0


def serving_delays(kube: Kube, port: int, tries: int) -> dict[str, Any]:
    """Milliseconds from the moment when an HTTPRoute's status says that it is accepted, as a watcher may see it, until
    requests come through to its backend; negative where Envoy was first. And from its writing until it is accepted."""
    delays, accepted = [], []
    for number in range(tries):
        name, path = f"delay-{number}", f"/delay-{number}"
        made = own_route(name, HOSTNAME)
        rewrite = {"path": {"type": "ReplaceFullPath", "replaceFullPath": "/v1/chat/completions"}}
        rule = {
            "matches": [{"path": {"type": "PathPrefix", "value": path}}],
            "filters": [{"type": "URLRewrite", "urlRewrite": rewrite}],
            "backendRefs": [{"name": "small", "port": 8000}],
        }
        made["spec"]["rules"] = [rule]
        seen: dict[str, float] = {}

        def watch(what: str, there: Callable[[], bool], seen: dict[str, float] = seen) -> None:
            give_up = time.monotonic() + LONGEST_SECONDS
            while time.monotonic() < give_up:
                if there():
                    seen[what] = time.monotonic()
                    return
                time.sleep(0.005)

        watching = [
            threading.Thread(target=watch, args=("accepted", partial(_accepted, kube, name))),
            threading.Thread(target=watch, args=("served", partial(_served, port, path))),
        ]
        started = time.monotonic()
        kube.http.post(place("HTTPRoute", NAMESPACE), json=made).raise_for_status()
        for thread in watching:
            thread.start()
        for thread in watching:
            thread.join(LONGEST_SECONDS)
        delays.append((seen["served"] - seen["accepted"]) * 1000)
        accepted.append((seen["accepted"] - started) * 1000)
        kube.http.delete(f"{place('HTTPRoute', NAMESPACE)}/{name}").raise_for_status()
    return {"tries": tries, "acceptedMs": spread_of(accepted), "servedAfterMs": spread_of(delays)}


def spread_of(found: list[float]) -> dict[str, int]:
    ordered = sorted(found)
    return {
        "p50": round(statistics.median(ordered)),
        "p90": round(ordered[len(ordered) * 9 // 10]),
        "max": round(ordered[-1]),
    }


def _accepted(kube: Kube, name: str) -> bool:
    return bool((kube.get("HTTPRoute", NAMESPACE, name) or {}).get("status", {}).get("parents"))


def _served(port: int, path: str) -> bool:
    url = f"http://127.0.0.1:{port}{path}"
    try:
        answer = httpx.post(url, content=STRAIGHT, headers={"host": HOSTNAME}, trust_env=False, timeout=10)
    except httpx.TransportError:
        return False
    return answer.status_code == 200
