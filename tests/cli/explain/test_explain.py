"""`forebay explain`: pool states given by hand, and many requests at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from forebay_cli.app import app
from forebay_cli.explain.case import read_states

MANIFESTS = """apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: small}
spec:
  backend: {addresses: [{host: 127.0.0.1, port: 9}]}
  models: [{name: small, contextTokens: 4096}]
---
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: plain}
spec:
  strategies: [{name: all, direct: {pools: [{name: small}]}}]
  default: {use: all}
"""
GOOD = '{"model":"auto","messages":[{"role":"user","content":"hello"}]}'


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "all.yaml").write_text(MANIFESTS)
    return folder


def explain(manifests: Path, *arguments: str, stdin: str = GOOD) -> Result:
    return CliRunner().invoke(app, ["explain", str(manifests), *arguments], input=stdin)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1]", "item 0: expected an object"),
        ('{"small": 3}', "pool 'small': expected an object"),
        ('{"name": 3}', "pool 'name': expected an object"),
        ("7", "expected a PoolState"),
        ('{"small": {"ready": "x"}}', "small: Expected `int`"),
        ('[{"ready": 1}]', "missing required field `name`"),
        ("{", "truncated"),
        ("[" * 100_000, "--pool-state"),
    ],
)
def test_a_pool_state_that_is_none_ends_with_2_and_says_where(
    manifests: Path, tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "states.json"
    file.write_text(text)
    result = explain(manifests, "--pool-state", str(file))
    assert result.exit_code == 2, result.output
    assert "--pool-state" in result.stderr
    assert says in result.stderr


@pytest.mark.parametrize(
    ("given", "ready"), [({"ready": 0, "total": 2}, 0), ({"total": 2}, 2), ({"ready": 1, "total": 2}, 1)]
)
def test_all_are_ready_only_where_nothing_is_said_of_it(given: dict[str, Any], ready: int) -> None:
    assert read_states(msgspec.json.encode({"small": given}))["default/small"].ready == ready


def test_a_pool_may_be_called_name() -> None:
    assert set(read_states(b'{"name": {"total": 1}}')) == {"default/name"}
    assert set(read_states(b'{"name": "small", "total": 1}')) == {"default/small"}


def test_each_line_in_is_one_numbered_line_out(manifests: Path, tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    file.write_text(f"{GOOD}\n\nnot json\n{GOOD}\n")
    result = explain(manifests, "--jsonl", str(file))
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["line"] for line in lines] == [1, 2, 3, 4]
    assert ["error" in line for line in lines] == [False, True, True, False]
    assert lines[3]["pool"] == "default/small"


def test_no_lines_in_are_no_lines_out(manifests: Path, tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    file.write_text("")
    assert explain(manifests, "--jsonl", str(file)).stdout == ""


def test_what_signals_count_is_shown_and_no_text(manifests: Path) -> None:
    signals = (
        "  signals:\n  - {name: private, pii: {entities: [Email, Phone]}}\n  - {name: shape, structure: {}}\n"
        "  - {name: again, reask: {}}\n"
    )
    (manifests / "all.yaml").write_text(MANIFESTS + signals)
    body = '{"model":"auto","messages":[{"role":"user","content":"mail ada@example.com or bob@example.com"}]}'
    result = explain(manifests, "--all-signals", stdin=body)
    assert result.exit_code == 0, result.output
    assert "Email 2" in " ".join(result.output.split())
    assert "tokens" in result.output
    assert "ada@" not in result.output


def test_claims_can_be_given_as_if_a_token_had_been_verified(manifests: Path) -> None:
    text = (manifests / "all.yaml").read_text()
    rule = "  signals: [{name: plan, claims: {jwt: {provider: corp, claim: plan}, any: [gold]}}]\n"
    rule += "  rules: [{name: gold, when: signals.plan.matched, use: all}]\n"
    (manifests / "all.yaml").write_text(text + rule)

    def decided(*options: str) -> str:
        result = explain(manifests, "--output", "json", *options)
        assert result.exit_code == 0, result.output
        return str(json.loads(result.stdout)["rule"])

    assert decided() == "default"
    assert decided("--claims", '{"corp": {"plan": "gold"}}') == "gold"
    assert decided("--claims", '{"other": {"plan": "gold"}}') == "default"


@pytest.mark.parametrize("claims", ["{", '{"plan": "gold"}', "[" * 100_000])
def test_claims_that_are_none_end_with_2_and_say_how(manifests: Path, claims: str) -> None:
    result = explain(manifests, "--claims", claims)
    assert result.exit_code == 2
    assert "write the provider's name before its claims" in result.output


def test_a_pool_that_is_said_to_be_saturated_needs_no_reason(manifests: Path, tmp_path: Path) -> None:
    states = tmp_path / "states.json"
    states.write_text('{"small": {"total": 1, "saturated": true}}')
    result = explain(manifests, "--pool-state", str(states), "--output", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["record"]["candidates"][0]["reason"] == "saturated"


def test_a_finding_has_its_file_and_line(manifests: Path) -> None:
    (manifests / "more.yaml").write_text(
        MANIFESTS.partition("---")[0].replace("small", "other").replace("port: 9", "port: 0")
    )
    said = CliRunner().invoke(app, ["explain", str(manifests)], input=GOOD).stderr
    assert f"{manifests}/more.yaml:5: error: ModelPool default/other: spec.backend.addresses[0].port: must be" in said


def test_columns_that_nobody_fills_are_left_out(manifests: Path) -> None:
    done = CliRunner().invoke(app, ["explain", str(manifests)], input=GOOD)
    assert "eligible" in done.stdout
    assert not {"label", "threshold", "also"} & set(done.stdout.split())


def test_nothing_is_cut_off_on_a_narrow_terminal(manifests: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay_cli.console.WIDEST", 30)
    (manifests / "all.yaml").write_text(MANIFESTS.replace("name: small", "name: a-pool-with-a-rather-long-name"))
    shown = CliRunner().invoke(app, ["explain", str(manifests)], input=GOOD).stdout
    assert "\u2026" not in shown


def test_one_file_of_manifests_will_do(manifests: Path) -> None:
    done = CliRunner().invoke(app, ["explain", str(manifests / "all.yaml")], input=GOOD)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "pool        default/small")


def test_manifests_that_are_not_there_are_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["explain", str(tmp_path / "none")], input=GOOD)
    assert (done.exit_code, done.stderr) == (2, f"forebay: there is no {tmp_path}/none\n")


def test_a_prompt_is_a_chat_for_the_policys_own_model(manifests: Path) -> None:
    text = (manifests / "all.yaml").read_text()
    (manifests / "all.yaml").write_text(
        text.replace("spec:\n  strategies", "spec:\n  models: ['any-*', house]\n  strategies")
    )
    done = CliRunner().invoke(app, ["explain", str(manifests), "--prompt", 'say "hi"', "--output", "json"])
    assert (done.exit_code, json.loads(done.stdout)["pool"]) == (0, "default/small")


@pytest.mark.parametrize("more", [["body.json"], ["--jsonl", "many.jsonl"]])
def test_a_prompt_and_a_body_exclude_each_other(manifests: Path, more: list[str]) -> None:
    done = CliRunner().invoke(app, ["explain", str(manifests), *more, "--prompt", "hi"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--prompt stands in place of a body" in done.stderr
