"""How end-to-end tests get their parts: once, by content, and never in silence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e.binaries import Missing, build, catalog, locate
from e2e.binaries.__main__ import main
from e2e.binaries.catalog import PARTS

ROOT = Path(__file__).parents[2]
FAKE_GO = """#!/bin/sh
# go build -mod=readonly -ldflags FLAGS -o OUT PACKAGE
echo "$@" >> {log}
{body}
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return tmp_path / "cache" / "forebay" / "bin"


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A compiler that does what `body` says; the path is the log of its calls."""

    def install(body: str) -> Path:
        folder, log = tmp_path / "go", tmp_path / "go.log"
        folder.mkdir()
        (folder / "go").write_text(FAKE_GO.format(log=log, body=body))
        (folder / "go").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        return log

    return install


@pytest.mark.parametrize("name", PARTS)
def test_every_part_has_a_pinned_version(name: str) -> None:
    part = PARTS[name]

    assert part.version.startswith("v")
    assert part.key.startswith(f"{name}@{part.version}-")
    assert (part.folder / "go.sum").stat().st_size > 0


def test_another_version_or_dependency_is_another_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = PARTS["etcd"].key
    shutil.copytree(PARTS["etcd"].folder, tmp_path / "etcd")
    monkeypatch.setattr(catalog, "HERE", tmp_path)
    assert PARTS["etcd"].key == before

    with (tmp_path / "etcd" / "go.sum").open("a") as sums:
        sums.write("example.com/x v1.0.0 h1:abc=\n")

    assert PARTS["etcd"].key != before


def test_a_part_is_built_once(go: Callable[[str], Path], cache: Path) -> None:
    log = go('echo built > "$6"')

    first = build("etcd", lambda _: None)
    second = build("etcd", lambda _: None)

    assert first == second == cache / PARTS["etcd"].key
    assert first.read_text() == "built\n"
    assert len(log.read_text().splitlines()) == 1


def test_a_newer_build_replaces_the_older(go: Callable[[str], Path], cache: Path) -> None:
    go('echo built > "$6"')
    cache.mkdir(parents=True)
    (cache / "etcd@v3.0.0-000000000000").write_text("old")

    build("etcd", lambda _: None)

    assert [path.name for path in cache.glob("etcd*")] == [PARTS["etcd"].key]


def test_a_build_that_fails_leaves_nothing_and_says_what_the_compiler_said(
    go: Callable[[str], Path], cache: Path
) -> None:
    go('echo half > "$6"; echo "dial tcp: no network" >&2; exit 1')

    with pytest.raises(Missing, match="dial tcp: no network"):
        build("etcd", lambda _: None)

    assert [path.name for path in cache.iterdir()] == [".lock"]


def test_what_cannot_be_had_is_skipped_aloud(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert main(["etcd", "helm"]) == 0

    told = capsys.readouterr().out
    assert "SKIPPED etcd: there is no go on PATH: install Go, or set KUBEBUILDER_ASSETS" in told
    assert "SKIPPED helm" in told
    assert "tests that need it are skipped" in told


def test_an_unknown_part_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["etdc"]) == 2
    assert "there are etcd, kube-apiserver" in capsys.readouterr().out


def test_given_assets_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "etcd"
    given.write_text("")
    given.chmod(0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    assert locate("etcd") == given
    assert locate("kube-apiserver") is None
    assert locate("helm") is None


def test_a_run_in_which_nothing_ran_fails() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "e2e/test_kstatus.py"]

    done = subprocess.run(
        command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=110, check=False
    )

    assert done.returncode == 1, done.stdout
    assert "no end-to-end test ran: see SKIPPED" in done.stdout
    assert "there is no etcd: `make e2e-parts` builds it" in done.stdout
