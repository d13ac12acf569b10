"""CRDs upgraded in place, over objects that were stored under the ones before."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from forebay_operator.cluster.change import translate
from forebay_operator.cluster.kinds import POLICIES, POOLS

from .aftermath import same_as_fresh, statuses_written
from .conftest import ROOT, apply_crds
from .control_plane import ControlPlane
from .installation import installed
from .isolation import HOST
from .kube import Kube
from .load import under_load
from .manifests import policy, pool
from .waiting import wait_until

BEFORE = "c07f96b1540a6d8c8ddbcfcddcf3d9b03e228f56"
"""Until there is a release: the last commit before objects could be stored in an API server."""
RESOURCES = {"RoutingPolicy": POLICIES, "ModelPool": POOLS}
NAMESPACE = "default"


def _git(*args: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *args], capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        pytest.skip(f"git has no {BEFORE[:7]}, the version before ({done.stderr.strip()}): fetch the whole history")
    return done.stdout


def _earlier(folder: str) -> Iterator[str]:
    """The YAML files that a folder held before."""
    for path in _git("ls-tree", "--name-only", BEFORE, f"{folder}/").split():
        if path.endswith(".yaml"):
            yield _git("show", f"{BEFORE}:{path}")


def _earlier_objects() -> Iterator[dict[str, Any]]:
    """Every manifest that was acceptable, each under a name of its own."""
    for folder in ("tests/manifests/accepted", "examples/assistant"):
        for text in _earlier(folder):
            for document in yaml.safe_load_all(text):
                if "apiVersion" in document:
                    yield document


def test_objects_outlive_an_upgrade_of_the_crds(fresh_control_plane: ControlPlane) -> None:
    kube = fresh_control_plane.kube
    _apply_earlier_crds(kube)
    stored = [_store(kube, number, document) for number, document in enumerate(_earlier_objects())]
    marked = _mark(kube, stored[0])

    apply_crds(kube)

    for kind, name, before in stored:
        now = kube.get(kind, NAMESPACE, name)
        assert now is not None
        assert _without_defaults(now["spec"], before["spec"]) == before["spec"], (kind, name)
        assert now["metadata"]["generation"] == before["metadata"]["generation"]
        change = translate(RESOURCES[kind], "ADDED", now)
        assert change.refused is None, (kind, name)
        _touch(kube, kind, name)
    kept = kube.get(stored[0][0], NAMESPACE, stored[0][1])
    assert kept is not None
    assert kept["status"]["conditions"] == marked["status"]["conditions"]
    assert kube.http.get("/apis/forebay.dev/v1alpha1/modelpools?limit=500").json()["items"]


def test_after_the_upgrade_the_new_rules_hold(fresh_control_plane: ControlPlane) -> None:
    kube = fresh_control_plane.kube
    _apply_earlier_crds(kube)
    pool = {
        "apiVersion": "forebay.dev/v1alpha1",
        "kind": "ModelPool",
        "metadata": {"name": "new"},
        "spec": {"backend": {"service": {"name": "engine", "port": 8000}}, "models": [{"name": "m"}]},
    }
    assert kube.create(pool, NAMESPACE, dry_run=True).status_code == 400, "the field is of the new version"

    apply_crds(kube)

    assert kube.create(pool, NAMESPACE, dry_run=True).status_code == 201
    pool["spec"] = {"backend": {}, "models": [{"name": "m"}]}
    assert "set exactly one of service," in kube.create(pool, NAMESPACE, dry_run=True).text


def test_an_operator_that_runs_meanwhile_publishes_what_a_fresh_one_does_and_serves_all_the_while(
    fresh_control_plane: ControlPlane, tmp_path: Path
) -> None:
    kube = fresh_control_plane.kube
    _apply_earlier_crds(kube)
    with installed(kube, NAMESPACE, tmp_path) as forebay:
        forebay.add_operator()
        forebay.add_data_plane("dp-0")
        forebay.add_envoy("envoy-0")
        port = forebay.add_server("small-0", "small-model")
        fixed = f"addresses: [{{host: {HOST}, port: {port}}}]"
        kube.apply(pool("small").replace("service: {name: small, port: 8000}", fixed) + policy("first", "small"))
        kube.wait_condition("RoutingPolicy", NAMESPACE, "first", "Ready")
        # A pool's load was no part of its status before: all but that is told.
        kube.wait_condition("ModelPool", NAMESPACE, "small", "Ready")
        assert "load" not in _status(kube, "ModelPool", "small")
        forebay.wait_served("hello")
        revision, since = forebay.revision(0), len(fresh_control_plane.audit())
        with under_load(lambda: forebay.ask("hello")) as load:
            apply_crds(kube)
            time.sleep(5.0)  # the API server ends the watches of what is defined anew
        assert not load.failed, f"{load.failed}: {load.last}"
        assert forebay.revision(0) == revision
        wait_until(lambda: "load" in _status(kube, "ModelPool", "small"), "the pool's load is told", 120.0)
        assert statuses_written(fresh_control_plane, since) <= {"modelpools/small"}
        same_as_fresh(forebay)
        kube.apply(policy("second", "small", host="second.example.com"))
        kube.wait_condition("RoutingPolicy", NAMESPACE, "second", "Programmed")


def _apply_earlier_crds(kube: Kube) -> None:
    for text in _earlier("crds"):
        kube.kubectl("create", "-f", "-", stdin=text)
    kube.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")


def _store(kube: Kube, number: int, document: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    kind, name = document["kind"], f"{number}-{document['metadata']['name']}"[:63]
    document["metadata"] = document["metadata"] | {"name": name, "namespace": NAMESPACE}
    answer = kube.create(document, NAMESPACE)
    assert answer.status_code == 201, answer.text
    return kind, name, answer.json()


def _mark(kube: Kube, stored: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    """Write a status as the operator would."""
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "Ready",
        "message": "in force",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": 1,
    }
    change = {"status": {"observedGeneration": 1, "conditions": [condition]}}
    return kube.patch(stored[0], NAMESPACE, stored[1], change, status=True)


def _status(kube: Kube, kind: str, name: str) -> dict[str, Any]:
    return dict((kube.get(kind, NAMESPACE, name) or {}).get("status") or {})


def _touch(kube: Kube, kind: str, name: str) -> None:
    """Write the object back with a label: it has to be valid as a whole."""
    kube.patch(kind, NAMESPACE, name, {"metadata": {"labels": {"touched": "yes"}}})


def _without_defaults(now: Any, before: Any) -> Any:
    """`now` without members that `before` does not have: defaults of the new version."""
    if isinstance(now, dict) and isinstance(before, dict):
        return {key: _without_defaults(now[key], before[key]) for key in now if key in before}
    if isinstance(now, list) and isinstance(before, list) and len(now) == len(before):
        return [_without_defaults(a, b) for a, b in zip(now, before, strict=True)]
    return now
