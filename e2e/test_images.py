"""What the images hold, as far as it can be shown where no engine runs: the build context, the wheel and the locked
packages are put together by the commands of docker/Dockerfile, and what it would start is started."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from .chart import ROOT
from .wheels import LOCKS, wheels_folder

DOCKERFILE = (ROOT / "docker/Dockerfile").read_text()
IMAGES = {
    "operator": ["forebay_operator", "forebay_cli.sim"],
    "dataplane": ["forebay_extproc"],
    "envoy": ["forebay_operator.launch"],
}
"""Lock and target, the module that is started, and others that documents start."""
WHOLE = {
    "operator": "forebay_operator.cluster.app",
    "dataplane": "forebay_extproc.app",
    "envoy": "forebay_operator.launch.agent",
}
"""What imports all that runs: `--help` needs less."""
BUILDERS = {"hatchling", "pip", "pytest", "mypy", "ruff", "setuptools", "torch", "uv", "wheel"}
INSTALL_SECONDS = 280


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from nothing but what .dockerignore lets into the build context."""
    context = tmp_path_factory.mktemp("context")
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source, target = ROOT / line[1:], context / line[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".forebay"))
            else:
                shutil.copy(source, target)
    wheels = tmp_path_factory.mktemp("wheels")
    _run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--no-deps",
            "--no-build-isolation",
            "--wheel-dir",
            str(wheels),
            str(context),
        ]
    )
    (made,) = wheels.glob("*.whl")
    return made


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_starts_from_locked_packages_and_holds_nothing_that_builds(
    image: str, wheel: Path, tmp_path: Path
) -> None:
    python = _environment(tmp_path, image, wheel)
    elsewhere = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONSAFEPATH": "1"}

    listed = (
        "from importlib.metadata import distributions; print(*(d.metadata['Name'].lower() for d in distributions()))"
    )
    assert not BUILDERS & set(_run([python, "-c", listed], env=elsewhere).split())
    _run([python, "-c", f"import {WHOLE[image]}"], env=elsewhere)
    for module in IMAGES[image]:
        assert "usage:" in _run([python, "-m", module, "--help"], env=elsewhere).lower()


def test_the_dockerfile_starts_what_is_tried_here() -> None:
    for image, modules in IMAGES.items():
        (stage,) = re.findall(rf"^FROM runtime AS {image}\n(.*?)(?=^FROM|\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
        assert f'ENTRYPOINT ["python", "-m", "{modules[0]}"]' in stage
        assert f"--requirement {image}.lock" in DOCKERFILE


def _environment(folder: Path, image: str, wheel: Path) -> str:
    """A virtual environment as the image has it."""
    wheels = wheels_folder(image)
    if not wheels.is_dir():
        pytest.skip(
            f"the packages of docker/{image}.lock are not there: `make e2e-parts` fetches them, or says why not"
        )
    venv.create(folder / "forebay", with_pip=False)
    python = str(folder / "forebay/bin/python")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index"]
    locked = [f"--find-links={wheels}", "--only-binary=:all:", "--require-hashes", f"--requirement={LOCKS[image]}"]
    _run([*install, *locked])
    _run([*install, "--no-deps", str(wheel)])
    return python


def _run(command: list[str], env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, env=env, cwd="/", capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr[-3000:] or done.stdout[-3000:]}"
    return done.stdout
