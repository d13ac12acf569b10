"""What `forebay validate` finds: the operator's own words, and where they stand in the files that the caller named."""

from __future__ import annotations

import hashlib
import io
import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from forebay_api.path import render_path
from forebay_cli.validate.findings import load
from forebay_cli.validate.outcome import Line
from forebay_cli.validate.places import parse_path
from forebay_operator.gather import gather
from forebay_operator.judgement.checks import judge
from forebay_operator.source.directory import Directory
from forebay_operator.telling.status import policy_status, pool_status

POOL = """\
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: small}
spec:
  backend: {addresses: [{host: 127.0.0.1, port: 9}]}
  models: [{name: small}]
"""
POLICY = """\
# A comment above does not shift lines.
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: first}
spec:
  models: [auto]
  signals:
  - name: code
    keyword: {any: [def]}
  strategies:
  - name: any
    direct: {pools: [{name: small}]}
  rules:
  - name: coding
    when: signals.cod.matched
    use: any
  default: {use: any}
"""
ABROAD = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: engine}\n"
SERVICE = POOL.replace("{addresses: [{host: 127.0.0.1, port: 9}]}", "{service: {name: engine, port: 8000}}")


@pytest.fixture
def manifests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory ``live`` below the working directory."""
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "live"
    made.mkdir()
    return Path("live")


def test_a_finding_about_an_accepted_text_has_file_and_line(manifests: Path) -> None:
    (manifests / "all.yaml").write_text(f"{POOL}---\n{POLICY}")

    (line,) = load([manifests]).outcome.findings

    assert line.severity == "Error"
    assert line.reason == "Invalid"
    assert (line.object, line.path) == ("RoutingPolicy default/first", "spec.rules[0].when")
    assert (line.source, line.line) == ("live/all.yaml", 22)


def test_a_file_is_called_what_the_caller_calls_it(manifests: Path) -> None:
    for name in ("pool.yaml", "again.yaml"):
        (manifests / name).write_text(POOL)

    outcome = load([manifests / "pool.yaml", manifests / "again.yaml"]).outcome

    (line,) = outcome.findings
    assert line.source == "live/again.yaml"
    assert line.message == "stands in live/pool.yaml, too, and counts there: remove one of the two"


def test_directories_and_files_are_read_as_if_they_stood_in_one(manifests: Path) -> None:
    (manifests / "team").mkdir()
    (manifests / "team" / "pool.yaml").write_text(POOL)
    (manifests / "policy.yaml").write_text(POLICY.replace("cod.matched", "code.matched"))

    outcome = load([manifests / "team", manifests / "policy.yaml"]).outcome

    assert outcome.findings == ()
    assert (outcome.policies, outcome.pools) == (("default/first",), ("default/small",))


def test_standard_input_is_a_file(manifests: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(f"{POOL}---\n{POLICY}".encode())))

    (line,) = load([Path("-")]).outcome.findings

    assert (line.source, line.line) == ("-", 22)


def test_what_is_not_ours_is_noted_and_no_more(manifests: Path) -> None:
    (manifests / "all.yaml").write_text(f"{ABROAD}---\n{POOL}")

    outcome = load([manifests]).outcome

    assert outcome.ok
    assert [(line.severity, line.message) for line in outcome.findings] == [
        ("Note", "passed over: apps/v1 Deployment is not Forebay's")
    ]


def test_a_service_that_only_a_cluster_knows_is_noted_and_no_more(manifests: Path) -> None:
    (manifests / "pool.yaml").write_text(SERVICE)

    outcome = load([manifests]).outcome

    assert outcome.ok
    assert [(line.severity, line.reason) for line in outcome.findings] == [("Note", "ServiceNotFound")]


def test_findings_are_what_the_conditions_say(manifests: Path) -> None:
    second = POLICY.replace("name: first", "name: second").replace("signals.cod.matched", "signals.code.matched")
    lost = second.replace("name: second", "name: third").replace("name: small", "name: smal")
    odd = (
        POOL.replace("name: small}\nspec", "name: odd}\nspec")
        + "  telemetry: {engine: vLLM, interval: 10s, staleAfter: 10s}\n"
    )
    (manifests / "all.yaml").write_text(
        "---\n".join((POOL, odd, SERVICE.replace("small", "far"), POLICY, second, lost))
    )

    found = load([manifests]).outcome.findings
    told = _conditions(manifests)

    assert {line.object for line in found} == {
        "RoutingPolicy default/first", "RoutingPolicy default/third", "ModelPool default/odd", "ModelPool default/far"
    }  # fmt: skip
    for line in found:
        assert any(_as_told(line) in message for message in told[line.object]), line


@pytest.mark.parametrize("path", [(), ("spec", "rules", 2, "when"), ("metadata", "labels", "a.b/c", "d"), ("a", 0, 1)])
def test_a_path_is_read_as_it_is_written(path: tuple[str | int, ...]) -> None:
    assert parse_path(render_path(path)) == path


def _as_told(line: Line) -> str:
    return f"{line.path}: {line.message}" if line.path else line.message


def _conditions(directory: Path) -> dict[str, list[str]]:
    """The messages of all conditions of every object, as the operator writes them."""
    verdicts = judge(gather(Directory(directory).read(), base=directory, environ=os.environ))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    policies = {f"RoutingPolicy {name}": policy_status(v, None, None, now) for name, v in verdicts.policies.items()}
    pools = {f"ModelPool {name}": pool_status(v, None, None, None, now) for name, v in verdicts.pools.items()}
    return {key: [condition.message for condition in status.conditions] for key, status in (policies | pools).items()}


def test_a_shadow_policy_beside_nobody_is_noted(manifests: Path) -> None:
    policy = POLICY.replace("signals.cod.", "signals.code.")
    (manifests / "a.yaml").write_text(f"{POOL}---\n{policy.replace('spec:', 'spec:' + chr(10) + '  mode: Shadow')}")

    outcome = load([manifests]).outcome

    assert outcome.ok
    assert [(line.severity, line.path, line.line) for line in outcome.findings] == [("Note", "spec.mode", 13)]
    (manifests / "b.yaml").write_text(policy.replace("name: first", "name: enforced"))
    assert load([manifests]).outcome.findings == ()


def test_a_model_beside_the_manifests_is_looked_for_and_held_against_its_digest(manifests: Path) -> None:
    signal = "classifier: {artifact: {path: t.head, digest: 'DIGEST'}}"
    right = "sha256:" + hashlib.sha256(b"a head").hexdigest()
    policy = POLICY.replace("signals.cod.", "signals.code.").replace("keyword: {any: [def]}", signal)

    def said(digest: str) -> list[tuple[str, str]]:
        (manifests / "a.yaml").write_text(f"{POOL}---\n{policy.replace('DIGEST', digest)}")
        return [(line.severity, line.path) for line in load([manifests]).outcome.findings]

    at = "spec.signals[0].classifier.artifact"
    assert said(right) == [("Warning", f"{at}.path")]
    (manifests / "t.head").write_bytes(b"a head")
    assert said(right) == []
    assert said("sha256:" + "0" * 64) == [("Error", f"{at}.digest")]


def test_a_signal_that_no_rule_asks_for_is_noted(manifests: Path) -> None:
    policy = POLICY.replace("signals.cod.matched", "request.stream")
    (manifests / "a.yaml").write_text(f"{POOL}---\n{policy}")

    outcome = load([manifests]).outcome

    assert outcome.ok
    assert [(line.severity, line.path, line.line) for line in outcome.findings] == [("Note", "spec.signals[0]", 15)]


def test_a_pool_that_is_refused_is_not_told_again_as_missing(manifests: Path) -> None:
    (manifests / "all.yaml").write_text(f"{POOL.replace('port: 9', 'port: 0')}---\n{POLICY.replace('cod.', 'code.')}")

    refused, note = load([manifests]).outcome.findings

    assert (refused.severity, refused.object) == ("Error", "ModelPool default/small")
    assert (note.severity, note.path) == ("Note", "spec.strategies[0].direct.pools[0].name")
    assert note.message == "ModelPool default/small has errors of its own, which keep it out: mend those"


def test_a_pool_that_is_nowhere_is_still_an_error_beside_one_that_is_refused(manifests: Path) -> None:
    policy = POLICY.replace("cod.", "code.").replace("{name: small}", "{name: other}")
    (manifests / "all.yaml").write_text(f"{POOL.replace('port: 9', 'port: 0')}---\n{policy}")

    messages = [line.message for line in load([manifests]).outcome.findings if line.severity == "Error"]

    assert len(messages) == 2
    assert messages[1].startswith("there is no ModelPool 'other'")


def test_a_rule_below_one_that_always_decides_is_noted(manifests: Path) -> None:
    rules = """\
  - {name: first, when: "true", use: any}
  - {name: coding, when: signals.code.matched, use: any}
  - {name: inside, when: signals.code.matched, constrain: {boundary: Private}}
  - {name: guard, when: signals.code.matched, reject: {message: "No."}}
"""
    before, _, after = POLICY.partition("  - name: coding\n")
    (manifests / "all.yaml").write_text(f"{POOL}---\n{before}{rules}  default: {after.partition('  default: ')[2]}")

    found = [line for line in load([manifests]).outcome.findings if "'first' above decides" in line.message]

    assert [(line.severity, line.path) for line in found] == [("Note", "spec.rules[1]"), ("Warning", "spec.rules[3]")]
    assert (found[0].source, found[0].line) == ("live/all.yaml", 22)


def test_what_only_sometimes_decides_hides_nothing(manifests: Path) -> None:
    two = POLICY.replace("signals.cod.", "signals.code.").replace(
        "  default:", '  - {name: last, when: "true", use: any}\n  default:'
    )
    (manifests / "all.yaml").write_text(f"{POOL}---\n{two}")
    assert load([manifests]).outcome.findings == ()


@pytest.mark.parametrize("name", [b"live", b"live/a\xff.yaml"])
def test_names_that_are_no_utf_8_are_written_out(manifests: Path, name: bytes) -> None:
    (manifests / os.fsdecode(b"a\xff.yaml")).write_text(POOL.replace("port: 9", "port: 0"))

    (line,) = load([Path(os.fsdecode(name))]).outcome.findings

    assert (line.source, line.line) == ("live/a\\xff.yaml", 5)
