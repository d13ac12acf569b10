"""The charts as Helm renders them, and what tests ask about the result."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[1]
CHART: Final = ROOT / "charts/forebay"
DEFINITIONS: Final = ROOT / "charts/forebay-crds"
VALUES: Final = {path.stem: path for path in sorted((CHART / "ci").glob("*.yaml"))}
"""The sets of values that every test tries, by name."""
HELM_SECONDS: Final = 120.0
POD_NAME: Final = "some-pod"
POD_IP: Final = "10.1.2.3"
Object = dict[str, Any]


class HelmFailed(AssertionError):
    """Helm's own words."""


class Helm:
    """Runs Helm with a home of its own, so that nothing of the machine's configuration counts."""

    def __init__(self, binary: Path, home: Path, kubeconfig: Path | None = None) -> None:
        self._binary = binary
        folders = {f"HELM_{kind}_HOME": str(home / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(home), **folders}
        if kubeconfig is not None:
            self._environment["KUBECONFIG"] = str(kubeconfig)

    def run(self, *args: str) -> str:
        """What Helm printed. Raises HelmFailed."""
        command = [str(self._binary), *args]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=HELM_SECONDS, check=False
        )
        if done.returncode:
            raise HelmFailed(f"helm {' '.join(args)}: {done.stderr or done.stdout}")
        return done.stdout

    def template(
        self, chart: Path = CHART, *, values: Path | None = None, sets: Sequence[str] = (), release: str = "forebay",
        namespace: str = "forebay",
    ) -> list[Object]:  # fmt: skip
        """Every object that an installation would make."""
        options = [f"--set={given}" for given in sets] + ([f"--values={values}"] if values else [])
        text = self.run("template", release, str(chart), f"--namespace={namespace}", *options)
        return [found for found in yaml.safe_load_all(text) if found]


def of_kind(objects: Sequence[Object], *kinds: str) -> list[Object]:
    return [found for found in objects if found["kind"] in kinds]


def named(objects: Sequence[Object], kind: str, name: str) -> Object:
    return next(found for found in of_kind(objects, kind) if found["metadata"]["name"] == name)


def component(objects: Sequence[Object], name: str) -> Object:
    """The Deployment of a component."""
    label = "app.kubernetes.io/component"
    return next(found for found in of_kind(objects, "Deployment") if found["metadata"]["labels"][label] == name)


def deployments(objects: Sequence[Object]) -> Iterator[tuple[str, Object, Object]]:
    """(component, Deployment, its one container)."""
    for found in of_kind(objects, "Deployment"):
        (container,) = found["spec"]["template"]["spec"]["containers"]
        yield container["name"], found, container


def arguments(container: Object) -> list[str]:
    """The container's arguments as its process gets them."""
    return [argument.replace("$(POD_NAME)", POD_NAME).replace("$(POD_IP)", POD_IP) for argument in container["args"]]


def rules(objects: Sequence[Object]) -> Iterator[tuple[Object, Object]]:
    """(Role or ClusterRole, one of its rules)."""
    for role in of_kind(objects, "Role", "ClusterRole"):
        for rule in role["rules"]:
            yield role, rule
