"""What `forebay up` settles before it starts anything: ports, and where its files go."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import pytest

from forebay_api.manifest import ManifestsRefused
from forebay_cli.up.layout import make_plan
from forebay_cli.up.plan import Plan


def plan(directory: Path) -> Plan:
    return make_plan(directory, port=None, workers=None, log="warning")


@pytest.fixture
def taken() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def test_a_port_that_is_in_use_is_named_and_another_one_taken(tmp_path: Path, taken: socket.socket) -> None:
    port = taken.getsockname()[1]
    (tmp_path / "forebay.yaml").write_text(f"listeners: [{{port: {port}}}]\n")
    with taken:
        made = plan(tmp_path)
    assert made.taken_ports == (port,)
    assert made.listener_ports != (port,)


def test_its_files_are_not_for_git() -> None:
    # Sockets are among them: where the path is too long for those, they are elsewhere.
    with tempfile.TemporaryDirectory(prefix="fb-", dir="/tmp") as short:
        made = plan(Path(short))
        assert made.run == Path(short) / ".forebay"
        assert (made.run / ".gitignore").read_text() == "*\n"


def test_a_directory_that_takes_no_files_has_them_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *_args: object, **_named: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    read_only = Path(os.path.realpath(tmp_path))
    made_before = Path.mkdir
    monkeypatch.setattr(
        Path, "mkdir", lambda self, *a, **k: refuse(self) if self.parent == read_only else made_before(self, *a, **k)
    )
    made = plan(read_only)
    assert made.run.parent != read_only
    assert made.logs.is_dir()


def test_settings_in_another_encoding_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "forebay.yaml").write_bytes(b"workers: 1 # \xe4\n")
    with pytest.raises(ManifestsRefused, match=r"forebay\.yaml:1: not UTF-8"):
        plan(tmp_path)


def test_settings_that_are_no_file_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "forebay.yaml").mkdir()
    with pytest.raises(ManifestsRefused, match=r"forebay\.yaml: cannot be read: Is a directory"):
        plan(tmp_path)


@pytest.mark.parametrize("name", ["\u5f0f" * 40, os.fsdecode(b"\xff")], ids=["long in bytes", "no UTF-8"])
def test_a_name_that_sockets_cannot_have_is_only_read_from(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    made = plan(tmp_path / name)
    assert made.directory == tmp_path / name
    assert made.run.parent != tmp_path / name
    assert len(os.fsencode(made.addresses.data_planes[0])) < 107


@pytest.mark.parametrize("link", [".forebay", ".forebay/envoy.json", ".forebay/logs", ".forebay/logs/envoy.log"])
def test_a_checkout_cannot_have_its_files_written_elsewhere(tmp_path: Path, link: str) -> None:
    checkout, home = tmp_path / "checkout", tmp_path / "home"
    (checkout / link).parent.mkdir(parents=True)
    home.mkdir()
    (checkout / link).symlink_to(home)

    made = plan(checkout)

    assert made.run.parent != checkout
    assert list(home.iterdir()) == []
