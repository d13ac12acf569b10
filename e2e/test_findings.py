"""`forebay validate` and the operator's conditions say the same of the same manifests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from .installation import installed
from .kube import Kube, condition_of
from .waiting import wait_until

MANIFESTS = """\
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: small, namespace: NAMESPACE}
spec:
  backend: {addresses: [{host: 192.0.2.9, port: 9}]}
  models: [{name: m}]
---
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: misspelt, namespace: NAMESPACE}
spec:
  attach: {pathPrefix: /a}
  signals: [{name: code, keyword: {any: [def]}}]
  strategies: [{name: any, direct: {pools: [{name: small}]}}]
  rules: [{name: coding, when: signals.cod.matched, use: any}]
  default: {use: any}
---
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: lost, namespace: NAMESPACE}
spec:
  attach: {pathPrefix: /b}
  strategies: [{name: any, direct: {pools: [{name: smal}]}}]
  default: {use: any}
"""


def test_a_pull_request_is_told_what_the_condition_will_say(kube: Kube, namespace: str, tmp_path: Path) -> None:
    manifests = MANIFESTS.replace("NAMESPACE", namespace)
    kube.apply(manifests, namespace=namespace)

    with installed(kube, namespace, tmp_path) as forebay:
        forebay.add_operator()
        told = {
            name: _told(kube, namespace, name, type_)
            for name, type_ in (("misspelt", "Accepted"), ("lost", "ResolvedRefs"))
        }

    offline = {line["object"].rpartition("/")[2]: line for line in _validate(manifests)}
    assert offline.keys() == told.keys()
    for name, line in offline.items():
        assert f"{line['path']}: {line['message']}" in told[name]


def _told(kube: Kube, namespace: str, name: str, type_: str) -> str:
    """The message of a condition once it is False."""

    def refused() -> dict[str, str]:
        condition = condition_of(kube.get("RoutingPolicy", namespace, name) or {}, type_)
        return condition if condition.get("status") == "False" else {}

    return wait_until(refused, f"the operator refuses {name}", 30)["message"]


def _validate(text: str) -> list[dict[str, str]]:
    command = [str(Path(sys.executable).with_name("forebay")), "validate", "-", "--output", "json"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1, done.stderr
    return list(json.loads(done.stdout)["findings"])
