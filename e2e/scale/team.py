"""What a team has in these measurements: a route of its own, pools, and a policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

NAMESPACE: Final = "scale"
HOSTNAME: Final = "web.example.com"
BODY: Final = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "x" * 900}]})
STRAIGHT: Final = BODY.replace('"auto"', '"small-model"')


def policy(name: str, place: Mapping[str, Any]) -> dict[str, Any]:
    """Two pools and a rule that reads the body; `place` is attach or targetRefs."""
    return {
        "apiVersion": "forebay.dev/v1alpha1",
        "kind": "RoutingPolicy",
        "metadata": {"name": name},
        "spec": {
            **place,
            "models": ["auto"],
            "signals": [{"name": "proof", "keyword": {"any": ["theorem"]}}],
            "strategies": [
                {"name": "plain", "direct": {"pools": [{"name": "small"}]}},
                {"name": "careful", "direct": {"pools": [{"name": "large"}]}},
            ],
            "rules": [{"name": "proofs", "when": "signals.proof.matched", "use": "careful"}],
            "default": {"use": "plain"},
        },
    }


def target(name: str) -> dict[str, Any]:
    return {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": name}]}


def pool(name: str) -> dict[str, Any]:
    spec = {"backend": {"service": {"name": name, "port": 8000}}, "models": [{"name": f"{name}-model"}]}
    return {"apiVersion": "forebay.dev/v1alpha1", "kind": "ModelPool", "metadata": {"name": name}, "spec": spec}


def own_route(name: str, host: str) -> dict[str, Any]:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name},
        "spec": {
            "parentRefs": [{"name": "web"}],
            "hostnames": [host],
            "rules": [{"name": "all", "backendRefs": [{"name": "small", "port": 8000}]}],
        },
    }
