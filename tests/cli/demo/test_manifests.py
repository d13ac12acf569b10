"""The example's copy: addresses put in, everything else as it stands, edits as a person makes them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from forebay_cli.demo.manifests import (
    KEY_FILE,
    NEW_RULE,
    POLICY_FILE,
    POOLS_FILE,
    ExampleMissing,
    Places,
    add_rule,
    copy_example,
    example_directory,
    example_pools,
)
from forebay_cli.validate.findings import load

PLACES = Places((41, 42, 43, 44), "localhost", 45)


def copied(directory: Path, places: Places = PLACES) -> Path:
    copy_example(directory, places, key="s3cret", ca_file=directory / "ca.pem", workers=3)
    return directory


def test_addresses_are_those_of_the_servers_in_the_order_of_the_manifest(tmp_path: Path) -> None:
    pools = load([copied(tmp_path)]).pools
    ports = [
        address.port for name in ("small", "large") for address in pools[f"default/{name}"].backend.addresses or ()
    ]
    assert ports == [41, 42, 43, 44]
    external = pools["default/frontier"].backend.external
    assert external is not None
    assert (external.hostname, external.port) == ("localhost", 45)


def test_policies_are_copied_as_they_stand(tmp_path: Path) -> None:
    copied(tmp_path)
    assert (tmp_path / POLICY_FILE).read_bytes() == (example_directory() / POLICY_FILE).read_bytes()


def test_a_number_of_servers_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExampleMissing, match=r"pools\.yaml has 4 addresses where 2 servers were started"):
        copied(tmp_path, Places((41, 42), "localhost", 45))


def test_the_key_is_for_its_owner_only(tmp_path: Path) -> None:
    assert stat.S_IMODE((copied(tmp_path) / KEY_FILE).stat().st_mode) == 0o600


def test_the_edit_adds_one_rule_ahead_of_the_others_and_nothing_else(tmp_path: Path) -> None:
    copied(tmp_path)
    before = load([tmp_path]).policies["default/assistant"].rules
    add_rule(tmp_path)
    loaded = load([tmp_path])
    assert loaded.outcome.ok
    first, *others = loaded.policies["default/assistant"].rules
    assert first.name == NEW_RULE
    assert others == before


def test_the_example_has_three_pools_two_private_and_one_bought() -> None:
    pools = example_pools()
    assert [pool.metadata.name for pool in pools] == ["small", "large", "frontier"]
    assert [bool(pool.spec.backend.external) for pool in pools] == [False, False, True]
    assert POOLS_FILE in {path.name for path in example_directory().iterdir()}
