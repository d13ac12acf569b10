"""The real parts that end-to-end tests run against: what each is built from. Versions stand in each folder's go.mod."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent


@dataclass(frozen=True)
class Part:
    """One binary. `module` is the folder with its go.mod; `pinned` the module whose version is the part's version."""

    name: str
    module: str
    package: str
    pinned: str
    stamp: str = ""
    """A linker variable that takes the version: without it some servers call themselves v0.0.0."""

    @property
    def folder(self) -> Path:
        return HERE / self.module

    @property
    def version(self) -> str:
        """The pinned version, as go.mod says it; ValueError where it says none."""
        text = (self.folder / "go.mod").read_text(encoding="utf-8")
        found = re.search(rf"^\s*(?:require )?{re.escape(self.pinned)} (v\S+)", text, re.MULTILINE)
        if found is None:
            raise ValueError(f"{self.module}/go.mod requires no {self.pinned}")
        return found[1]

    @property
    def linker_flags(self) -> str:
        flags = "-s -w"
        if self.stamp:
            major, minor = self.version.removeprefix("v").split(".")[:2]
            values = {"gitVersion": self.version, "gitMajor": major, "gitMinor": minor}
            flags += "".join(f" -X {self.stamp}.{name}={value}" for name, value in values.items())
        return flags

    @property
    def key(self) -> str:
        """Names the build by its content: another version, dependency or flag is another file."""
        content = hashlib.sha256()
        sources = (self.folder / "go.mod", self.folder / "go.sum", *sorted(self.folder.glob("*.go")))
        for text in (*(path.read_text(encoding="utf-8") for path in sources), self.package, self.linker_flags):
            content.update(text.encode() + b"\0")
        return f"{self.name}@{self.version}-{content.hexdigest()[:12]}"


_KUBERNETES: Final = "k8s.io/kubernetes"
_STAMP: Final = "k8s.io/component-base/version"
_ENVOY_GATEWAY: Final = "github.com/envoyproxy/gateway"
_EXTENSION: Final = "sigs.k8s.io/gateway-api-inference-extension"
_SIMULATOR: Final = "github.com/llm-d/llm-d-inference-sim"

PARTS: Final = {
    part.name: part
    for part in (
        Part("etcd", "etcd", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3"),
        Part("kube-apiserver", "kubernetes", f"{_KUBERNETES}/cmd/kube-apiserver", _KUBERNETES, _STAMP),
        Part("kube-controller-manager", "kubernetes", f"{_KUBERNETES}/cmd/kube-controller-manager", _KUBERNETES, _STAMP),
        Part("kubectl", "kubernetes", f"{_KUBERNETES}/cmd/kubectl", _KUBERNETES, _STAMP),
        Part("kstatus", "kstatus", ".", "sigs.k8s.io/cli-utils"),
        Part("promrules", "promrules", ".", "github.com/prometheus/prometheus"),
        Part("helm", "helm", "helm.sh/helm/v4/cmd/helm", "helm.sh/helm/v4"),
        Part("llm-d-inference-sim", "llm-d-inference-sim", f"{_SIMULATOR}/cmd/llm-d-inference-sim", _SIMULATOR),
        Part("epp", "epp", f"{_EXTENSION}/cmd/epp", _EXTENSION),
        Part("envoy-gateway", "envoy-gateway", f"{_ENVOY_GATEWAY}/cmd/envoy-gateway", _ENVOY_GATEWAY),
    )
}  # fmt: skip


def cache_folder() -> Path:
    """Where builds are kept, outside of the tree, so that a fresh checkout finds them."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "forebay" / "bin"
