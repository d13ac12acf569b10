"""examples/gateways/envoy-gateway as people apply it, but for the namespace and the Gateway's port."""

from __future__ import annotations

from typing import Final

from ..chart import ROOT
from ..installation import READY
from ..isolation import HOST
from .behind import Site

EXAMPLE: Final = ROOT / "examples/gateways/envoy-gateway"


def test_the_example_for_envoy_gateway_does_what_it_says(site: Site) -> None:
    made = site.behind.installation
    for name, model in (("qwen3-8b", "Qwen/Qwen3-8B"), ("qwen3-235b", "qwen3-235b")):
        port = made.add_server(name, model)
        made.service(name, [8000])
        made.slice(name, f"{name}-0", port, {f"{name}-0": (HOST, READY)})
    site.delete("gateway", site.name)
    site.host = "llm.example.com"
    texts = [(EXAMPLE / file).read_text() for file in ("gateway.yaml", "policy.yaml")]
    theirs, ours = (text.replace("namespace: ai", "namespace: team").replace("8080", str(site.port)) for text in texts)

    try:
        site.apply(theirs)
        site.apply(ours)

        site.wait("assistant", "Ready")
        site.wait_served_by("qwen3-8b")
        site.wait_served_by("qwen3-235b", "Prove the theorem.")
    finally:
        site.delete("modelpool", "small", "large")
        site.behind.apply_pools()
