"""Every finding in a directory or in files, from the same loader and the same checks as the operator's conditions."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from forebay_api.manifest import PASSED_OVER, ManifestError
from forebay_cli.validate.artefacts import artefact_faults
from forebay_cli.validate.notes import natives, notes
from forebay_cli.validate.outcome import Line, Loaded, Outcome
from forebay_cli.validate.places import Places
from forebay_decision.check import Finding
from forebay_operator.gather import gather
from forebay_operator.judgement.checks import judge
from forebay_operator.judgement.verdict import PolicyVerdict, PoolVerdict
from forebay_operator.source.directory import Directory
from forebay_operator.source.file import MAX_FILE_BYTES
from forebay_operator.source.listing import LOCAL_NAME, is_manifest_name, legible_path

ELSEWHERE: Final[Mapping[str, str]] = {"SecretNotFound": "Warning", "ServiceNotFound": "Note"}
"""Reasons that say something about this machine rather than the manifests, and how serious they are here: another
machine may well have the secret, and a cluster has its Services."""
POOL_MISSING: Final = "PoolNotFound"
ASIDE: Final = {*ELSEWHERE, POOL_MISSING}
"""Reasons that a condition does not have to repeat where a finding has given them."""
STDIN: Final = Path("-")
NOTHING: Final = "no manifest of Forebay's was found: in a directory files count that end in .yaml, .yml or .json, four directories deep"


def load(paths: Sequence[Path]) -> Loaded:
    """Read one directory, or some files and directories as if they stood in one; ``-`` is standard input."""
    if len(paths) == 1 and paths[0].is_dir():
        return _load(paths[0], Places(paths[0]))
    with tempfile.TemporaryDirectory(prefix="forebay-") as scratch:
        names = {}
        for index, path in enumerate(paths):
            name = f"{index:03}-{legible_path(path.name)}"
            if path.name == LOCAL_NAME:
                name = LOCAL_NAME
            elif not path.is_dir() and not is_manifest_name(name):
                name += ".yaml"  # who names a file means it, whatever it is called
            if path == STDIN:
                name = f"{index:03}-stdin.yaml"
                (Path(scratch) / name).write_bytes(sys.stdin.buffer.read(MAX_FILE_BYTES + 1))
            elif path.is_fifo():  # what a shell's <(command) is
                with path.open("rb") as pipe:
                    (Path(scratch) / name).write_bytes(pipe.read(MAX_FILE_BYTES + 1))
            else:
                (Path(scratch) / name).symlink_to(path.resolve(), path.is_dir())
            names[name] = legible_path(str(path))
        return _load(Path(scratch), Places(Path(scratch), names))


def _load(directory: Path, places: Places) -> Loaded:
    view = Directory(directory).read()
    verdicts = judge(gather(view, base=directory, environ=os.environ, for_cluster=True))
    lines = [_reading_line(error, places) for error in view.errors]
    if not (view.policies or view.pools or view.config_maps or (directory / LOCAL_NAME).is_file() or _wrong(lines)):
        lines.append(Line("Warning", NOTHING))
    told = {(line.object, line.path, line.message) for line in lines}
    refused = {line.object for line in lines if line.severity == "Error"} - {f"ModelPool {n}" for n in verdicts.pools}
    for kind, found in (("RoutingPolicy", verdicts.policies), ("ModelPool", verdicts.pools)):
        for name, verdict in found.items():
            lines += [line for line in _lines(f"{kind} {name}", verdict, places, refused)
                      if (line.object, line.path, line.message) not in told]  # fmt: skip
    if places.whole:
        lines += [Line(fault.severity, fault.message, name, fault.path, *places.find(name, fault.path))
                  for fault in artefact_faults(directory, verdicts.accepted_policies())
                  for name in (f"RoutingPolicy {fault.policy}",)]  # fmt: skip
    lines += [Line(note.severity, note.message, f"RoutingPolicy {note.policy}", note.path,
                   *places.find(f"RoutingPolicy {note.policy}", note.path))
              for note in notes(verdicts.accepted_policies())]  # fmt: skip
    outcome = Outcome(
        ok=not _wrong(lines),
        findings=tuple(lines),
        policies=tuple(verdicts.policies),
        pools=tuple(verdicts.pools),
        native=natives(verdicts.accepted_policies(), verdicts.accepted_pools()),
    )
    return Loaded(outcome, verdicts.accepted_policies(), verdicts.accepted_pools())


def _wrong(lines: Sequence[Line]) -> bool:
    return any(line.severity == "Error" for line in lines)


def _reading_line(error: ManifestError, places: Places) -> Line:
    severity = "Note" if error.message.startswith(PASSED_OVER) else error.severity
    return Line(severity, places.retold(error.message), error.name, error.path, places.shown(error.source), error.line)


def _lines(name: str, verdict: PolicyVerdict | PoolVerdict, places: Places, refused: Collection[str]) -> list[Line]:
    found = [
        Line(
            *_said(name, finding, places, refused), name, finding.path, *places.find(name, finding.path), finding.reason
        )
        for finding in verdict.findings
    ]
    told = any(line.severity == "Error" for line in found) or any(f.reason in ASIDE for f in verdict.findings)
    for statement in (verdict.accepted, verdict.resolved):
        if statement.status != "True" and not told:
            severity = ELSEWHERE.get(statement.reason, "Error")
            found.append(Line(severity, statement.message, name, "", *places.find(name, ""), statement.reason))
            told = True
    return found


def _said(name: str, finding: Finding, places: Places, refused: Collection[str]) -> tuple[str, str]:
    """Severity and message. A pool that is here and refused is not told a second time, as missing."""
    if finding.reason == POOL_MISSING:
        pool = f"ModelPool {name.partition(' ')[2].partition('/')[0]}/{places.value(name, finding.path)}"
        if pool in refused:
            return "Note", f"{pool} has errors of its own, which keep it out: mend those"
    return ELSEWHERE.get(finding.reason, finding.severity), finding.message
