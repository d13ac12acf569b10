"""`forebay validate` as a pipeline calls it: formats and exit codes."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from forebay_cli.app import app

GOOD = """\
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: small}
spec:
  backend: {addresses: [{host: 127.0.0.1, port: 9}]}
  models: [{name: small}]
"""
ODD = GOOD + "  telemetry: {engine: vLLM, interval: 10s, staleAfter: 10s}\n"
BAD = GOOD.replace("port: 9", "port: 0")
EXAMPLES = Path(__file__).parents[3] / "examples"
ABROAD = "apiVersion: v1\nkind: Service\nmetadata: {name: engine}\n"


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("pool.yaml")


def run(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["validate", *args], input=stdin)


@pytest.mark.parametrize(
    ("text", "flags", "code"),
    [
        (GOOD, (), 0),
        (GOOD, ("--strict",), 0),
        (ODD, (), 0),
        (ODD, ("--strict",), 1),
        (BAD, (), 1),
        (f"{ABROAD}---\n{GOOD}", ("--strict",), 0),
    ],
)
@pytest.mark.parametrize("output", ["table", "json", "sarif"])
def test_the_exit_code_says_whether_anything_is_to_be_mended(
    manifest: Path, text: str, flags: tuple[str, ...], code: int, output: str
) -> None:
    manifest.write_text(text)

    assert run(str(manifest), "--output", output, *flags).exit_code == code


def test_a_path_that_is_not_there_is_a_mistake_of_the_caller(manifest: Path) -> None:
    assert run("nowhere").exit_code == 2


def test_two_local_configurations_are_a_mistake_of_the_caller(tmp_path: Path) -> None:
    files = [tmp_path / folder / "forebay.yaml" for folder in ("a", "b")]
    for file in files:
        file.parent.mkdir()
        file.write_text("workers: 1\n")

    done = run(*map(str, files))

    assert done.exit_code == 2
    assert "only one forebay.yaml counts" in done.output
    assert all(str(file) in done.output for file in files)


def test_the_example_of_lists_is_sound_and_lacks_its_config_map_without_its_label(tmp_path: Path) -> None:
    example = Path(__file__).parents[3] / "examples/lists"
    assert run(str(example), "--strict").exit_code == 0
    text = (example / "lists.yaml").read_text().replace("forebay.dev/policy-data", "app")
    (tmp_path / "lists.yaml").write_text(text)

    done = run(str(tmp_path), "--output", "json")

    assert done.exit_code == 1
    found = [line for line in json.loads(done.stdout)["findings"] if line["severity"] == "Error"]
    assert [(line["reason"], line["path"]) for line in found] == [
        ("ConfigMapNotFound", "spec.signals[0].keyword.anyFrom.configMapRef"),
        ("ConfigMapNotFound", "spec.signals[1].similarity.labels[0].examplesFrom.configMapRef"),
    ]
    assert all(line["line"] for line in found)


def test_a_host_that_is_another_namespaces_is_told_as_the_operator_would(tmp_path: Path) -> None:
    for path in (EXAMPLES / "teams").iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    assert run(str(tmp_path), "--strict").exit_code == 0

    greedy = (tmp_path / "shop.yaml").read_text().replace("chat.shop.example.com", "clinic.example.com")
    (tmp_path / "shop.yaml").write_text(greedy)
    told = run(str(tmp_path), "--output", "json")

    assert told.exit_code == 1
    (finding,) = json.loads(told.stdout)["findings"]
    assert (finding["reason"], finding["path"]) == ("NotAllowedByListeners", "spec.attach.hostnames[0]")
    assert (Path(finding["source"]).name, finding["line"]) == ("shop.yaml", 13)
    assert "admits no policies of namespace shop for clinic.example.com" in finding["message"]


def test_a_table_names_file_and_line(manifest: Path) -> None:
    manifest.write_text(BAD)

    assert run("pool.yaml").stdout == (
        "pool.yaml:5: error: ModelPool default/small: spec.backend.addresses[0].port: must be at least 1, not 0\n"
        "0 policies, 0 pools: 1 error\n"
    )


def test_sarif_is_one_document(manifest: Path) -> None:
    manifest.write_text(BAD)

    log = json.loads(run("pool.yaml", "-o", "sarif").stdout)

    (result,) = log["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 5}


def test_what_kustomize_prints_can_be_piped_in() -> None:
    done = run("-", stdin=BAD)

    assert done.exit_code == 1
    assert done.stdout.startswith("-:5: error: ModelPool default/small")


def test_a_file_that_is_named_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    template = tmp_path / "pool.yaml.tmpl"
    template.write_text(BAD)

    done = run(str(template))

    assert done.exit_code == 1
    assert done.stdout.startswith(f"{template}:5: error: ModelPool default/small")


def test_what_a_pipe_holds_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "63"  # as `forebay validate <(helm template ...)` names it
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(BAD,), daemon=True)
    writer.start()

    done = run(str(pipe))

    writer.join(10)
    assert done.stdout.startswith(f"{pipe}:5: error: ModelPool default/small")


@pytest.mark.parametrize("text", ["", "# nothing yet\n---\n"])
def test_that_nothing_was_found_is_said_and_fails_a_strict_pipeline(tmp_path: Path, text: str) -> None:
    (tmp_path / "empty.yaml").write_text(text)

    assert (done := run(str(tmp_path))).exit_code == 0
    assert "warning: no manifest of Forebay's was found" in done.stdout
    assert run(str(tmp_path), "--strict").exit_code == 1
    assert run("-", "--strict", stdin=text).exit_code == 1


def test_the_help_has_examples_of_every_format() -> None:
    text = run("--help").stdout

    assert "--output sarif" in text
    assert "--output json" in text
    assert "validate - " in text
