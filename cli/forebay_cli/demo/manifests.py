"""The example's manifests, copied to where the demo may edit them, with the addresses of its own servers put in."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from forebay_api.manifest import load_manifests
from forebay_api.pool import ModelPool

EXAMPLE: Final = "assistant"
POLICY_FILE: Final = "assistant.yaml"
POOLS_FILE: Final = "pools.yaml"
KEY_FILE: Final = "frontier.key"
NEW_RULE: Final = "lighthouses"
_ADDRESS: Final = re.compile(r"\{host: 127\.0\.0\.1, port: \d+\}")
_EXTERNAL: Final = re.compile(r"external: \{hostname: [^,}]+, port: \d+\}")


class ExampleMissing(Exception):
    """The example manifests are not where they should be, or not as the demo knows them."""


def example_directory() -> Path:
    """Where the example stands: beside this module in a wheel, under ``examples/`` in a checkout."""
    here = Path(__file__).parent
    for place in (here / EXAMPLE, here.parents[2] / "examples" / EXAMPLE):
        if (place / POLICY_FILE).is_file():
            return place
    raise ExampleMissing(f"the manifests of examples/{EXAMPLE} are not installed")


def example_pools() -> list[ModelPool]:
    """The pools of the example, in the order in which they stand."""
    objects, errors = load_manifests((example_directory() / POOLS_FILE).read_text("utf-8"), POOLS_FILE)
    if errors:
        raise ExampleMissing("; ".join(map(str, errors)))
    return [made for made in objects if isinstance(made, ModelPool)]


class Places(msgspec.Struct, frozen=True):
    """Where the demo's servers are: ports of the private pools in the order of the manifest, and the bought one."""

    private: tuple[int, ...]
    hostname: str
    port: int


def copy_example(directory: Path, places: Places, *, key: str, ca_file: Path, workers: int | None) -> None:
    """Fill `directory` with the manifests for these places and a forebay.yaml for this machine."""
    source = example_directory()
    for path in sorted(source.glob("*.yaml")):
        if path.name not in (POOLS_FILE, "forebay.yaml"):
            shutil.copy(path, directory)
    pools = (source / POOLS_FILE).read_text("utf-8")
    (directory / POOLS_FILE).write_text(_placed(pools, places), "utf-8")
    secret = directory / KEY_FILE
    secret.touch(mode=0o600)
    secret.write_text(key, "utf-8")
    local: Mapping[str, object] = {
        "listeners": [{"address": "127.0.0.1", "port": 0}],
        "secrets": {"frontier": {"api-key": {"file": KEY_FILE}}},
        "trust": {"caFile": str(ca_file)},
        "workers": workers or 2,
    }
    # JSON is YAML.
    (directory / "forebay.yaml").write_bytes(msgspec.json.encode(local))


def _placed(text: str, places: Places) -> str:
    found = len(_ADDRESS.findall(text))
    if found != len(places.private) or len(_EXTERNAL.findall(text)) != 1:
        raise ExampleMissing(f"{POOLS_FILE} has {found} addresses where {len(places.private)} servers were started")
    ports = iter(places.private)
    text = _ADDRESS.sub(lambda _: f"{{host: 127.0.0.1, port: {next(ports)}}}", text)
    return _EXTERNAL.sub(f"external: {{hostname: {places.hostname}, port: {places.port}}}", text)


def add_rule(directory: Path) -> None:
    """Edit the policy as a person would: one more rule, ahead of the others, saved in one step."""
    path = directory / POLICY_FILE
    rule = f"  - {{name: {NEW_RULE}, when: 'request.text.contains(\"lighthouse\")', use: careful}}"
    edited = re.sub(r"(?m)^(  rules:.*)$", lambda line: f"{line[0]}\n{rule}", path.read_text("utf-8"), count=1)
    if NEW_RULE not in edited:
        raise ExampleMissing(f"{POLICY_FILE} has no line `rules:`")
    scratch = directory / f".{POLICY_FILE}.saving"
    scratch.write_text(edited, "utf-8")
    scratch.replace(path)
