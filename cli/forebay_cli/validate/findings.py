"""Every finding in a directory or in files, from the same loader and the same checks as the operator's conditions."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_decision.check import Finding
from forebay_decision.native import NativeModel, native_report, shadowed_policies
from forebay_operator.checks import judge
from forebay_operator.gather import gather
from forebay_operator.source.directory import Directory
from forebay_operator.verdict import PolicyVerdict, PoolVerdict, Verdicts

ELSEWHERE: Final = ("SecretNotFound",)
"""Reasons that say something about this machine rather than the manifests: another machine may well have the secret."""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One finding. `object` is ``Kind namespace/name``; `path` is the manifest path inside it."""

    severity: str
    message: str
    object: str = ""
    path: str = ""
    source: str = ""
    line: int | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What was found; `ok` where nothing is an Error. `native` says per policy and model what Envoy decides alone."""

    ok: bool
    findings: tuple[Line, ...]
    policies: tuple[str, ...]
    pools: tuple[str, ...]
    native: dict[str, dict[str, str]]


class Loaded(msgspec.Struct, frozen=True):
    """Manifests as the operator accepts them."""

    outcome: Outcome
    policies: Mapping[str, PolicySpec]
    pools: Mapping[str, PoolSpec]


def load(paths: Sequence[Path]) -> Loaded:
    """Read one directory, or some files as if they stood in one."""
    if len(paths) == 1 and paths[0].is_dir():
        return _load(paths[0])
    with tempfile.TemporaryDirectory(prefix="forebay-") as scratch:
        for index, path in enumerate(paths):
            if path.is_dir():
                shutil.copytree(path, Path(scratch) / f"{index:03}-{path.name}")
            else:
                shutil.copy(
                    path, Path(scratch) / (path.name if path.name == "forebay.yaml" else f"{index:03}-{path.name}")
                )
        return _load(Path(scratch))


def _load(directory: Path) -> Loaded:
    view = Directory(directory).read()
    verdicts = judge(gather(view, base=directory, environ=os.environ))
    lines = [Line(e.severity, e.message, e.name or "", e.path or "", e.source, e.line) for e in view.errors]
    told = {(line.object, line.path, line.message) for line in lines}
    for kind, found in (("RoutingPolicy", verdicts.policies), ("ModelPool", verdicts.pools)):
        for name, verdict in found.items():
            lines += [line for line in _lines(f"{kind} {name}", verdict)
                      if (line.object, line.path, line.message) not in told]  # fmt: skip
    outcome = Outcome(
        ok=not any(line.severity == "Error" for line in lines),
        findings=tuple(lines),
        policies=tuple(verdicts.policies),
        pools=tuple(verdicts.pools),
        native=_natives(verdicts),
    )
    return Loaded(outcome, verdicts.accepted_policies(), verdicts.accepted_pools())


def _lines(name: str, verdict: PolicyVerdict | PoolVerdict) -> list[Line]:
    found = [Line(_severity(finding), finding.message, name, finding.path) for finding in verdict.findings]
    told = any(line.severity == "Error" for line in found) or any(f.reason in ELSEWHERE for f in verdict.findings)
    for statement in (verdict.accepted, verdict.resolved):
        if statement.status != "True" and not told:
            found.append(Line("Warning" if statement.reason in ELSEWHERE else "Error", statement.message, name))
            told = True
    return found


def _severity(finding: Finding) -> str:
    return "Warning" if finding.reason in ELSEWHERE else finding.severity


def _natives(verdicts: Verdicts) -> dict[str, dict[str, str]]:
    policies, pools = verdicts.accepted_policies(), verdicts.accepted_pools()
    shadowed = shadowed_policies(policies)
    return {
        name: {
            model: f"Envoy: {', '.join(entry.endpoints)}" if isinstance(entry, NativeModel) else f"DataPlane: {entry}"
            for model, entry in native_report(
                name, spec, pools, shadowed=name in shadowed, saturated=frozenset()
            ).items()
        }
        for name, spec in policies.items()
    }
