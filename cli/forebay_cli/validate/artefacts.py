"""Models of one's own that lie beside the manifests, as `forebay up` and `forebay explain` look for them.

The operator has no such folder and says nothing of them; a data plane that cannot read one refuses the policy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from forebay_api.policy import PolicySpec

LARGEST: Final = 8 << 20
"""Bytes of a head; a longer file is none."""


class Fault(NamedTuple):
    """`policy` is ``namespace/name``, `path` the place inside it."""

    severity: Literal["Error", "Warning"]
    message: str
    policy: str
    path: str


def artefact_faults(directory: Path, policies: Mapping[str, PolicySpec]) -> Iterator[Fault]:
    """What is wrong with the files that these policies name. A file that is not here may be where data planes run; one that
    is here and another than the policy's is a mistake anywhere."""
    for name, spec in policies.items():
        for index, signal in enumerate(spec.signals):
            own = None if signal.classifier is None else signal.classifier.artifact
            if own is None or own.path is None:
                continue
            at = f"spec.signals[{index}].classifier.artifact"
            try:
                with (directory / own.path).open("rb") as file:
                    found = "sha256:" + hashlib.sha256(file.read(LARGEST + 1)).hexdigest()
            except OSError:
                message = (
                    f"there is no {own.path} beside the manifests: data planes need it in their folder of --artifacts"
                )
                yield Fault("Warning", message, name, f"{at}.path")
                continue
            if found != own.digest:
                message = f"{own.path} has the digest {found}: write that, or put the file back that is meant"
                yield Fault("Error", message, name, f"{at}.digest")
