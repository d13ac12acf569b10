"""The GitOps examples, as far as they can be tried without the tools they are for, and an Envoy written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from forebay_cli.app import app
from forebay_operator.envoy.listeners import ARRIVAL

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "examples/gitops").rglob("*.yaml"))


def _documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document is not None]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_example_is_yaml_and_says_what_it_is(path: Path) -> None:
    for document in _documents(path):
        assert {"apiVersion", "kind", "metadata"} <= document.keys() or {"name", "jobs"} <= document.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_paths_in_an_example_exist(path: Path) -> None:
    for document in _documents(path):
        for place in _places(document):
            assert (ROOT / place).is_dir(), f"{path.name} names {place}"


def _places(document: Any) -> list[str]:
    """Whatever looks like a folder of this repository."""
    if isinstance(document, dict):
        return [place for value in document.values() for place in _places(value)]
    if isinstance(document, list):
        return [place for value in document for place in _places(value)]
    return (
        [document]
        if isinstance(document, str)
        and document.startswith(("charts/", "examples/", "./examples/"))
        and "*" not in document
        else []
    )


def test_health_checks_are_about_objects_that_the_overlay_makes() -> None:
    (flux,) = _documents(ROOT / "examples/gitops/flux/assistant.yaml")
    base = [d for name in ("pools", "policy") for d in _documents(ROOT / f"examples/kustomize/base/{name}.yaml")]
    made = {(document["kind"], document["metadata"]["name"]) for document in base}

    assert {(check["kind"], check["name"]) for check in flux["spec"]["healthChecks"]} <= made


def test_what_renders_charts_without_the_cluster_does_not_let_the_chart_make_certificates() -> None:
    (application,) = _documents(ROOT / "examples/gitops/argocd/release.yaml")

    assert application["spec"]["source"]["helm"]["valuesObject"]["mtls"]["mode"] != "chart"


def test_the_readme_marks_what_nobody_has_run() -> None:
    lines = (ROOT / "examples/gitops/README.md").read_text().splitlines()
    rows = {line.split("|")[1].strip(): line for line in lines if line.startswith("| [")}

    assert len(rows) == 4
    assert [row for row in rows if "kustomize" not in row and "untested" not in rows[row]] == []


def test_the_plain_envoy_lets_no_client_hold_a_stream_for_ever_or_spell_a_header_otherwise() -> None:
    bootstrap = yaml.safe_load((ROOT / "examples/gateways/plain-envoy/envoy.yaml").read_text())
    (listener,) = bootstrap["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]

    assert manager["request_timeout"] == f"{ARRIVAL.total_seconds():g}s"
    assert manager["common_http_protocol_options"]["headers_with_underscores_action"] == "DROP_HEADER"


FOLDERS = sorted(path for path in (ROOT / "examples").rglob("*") if path.is_dir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_folder_of_examples_passes_validation(folder: Path) -> None:
    """Whatever stands there beside manifests: values, workflows, an Envoy's bootstrap."""
    done = CliRunner().invoke(app, ["validate", str(folder)])

    assert done.exit_code == 0, done.output
