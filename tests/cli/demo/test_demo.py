"""The demo itself, as a user runs it: real Envoy, operator, data plane and servers; and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

PATIENCE = 280.0
pytestmark = [pytest.mark.envoy, pytest.mark.timeout(300)]
RUN = (sys.executable, "-c", "from forebay_cli.app import main; main()", "demo", "--quick")


def start(directory: Path, *options: str) -> subprocess.Popen[str]:
    """The demo in a process group of its own, as a shell starts it, with its temporary files under `directory`."""
    return subprocess.Popen(
        [*RUN, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(directory), "PYTHONUNBUFFERED": "1"},
    )


@pytest.fixture
def short_directory() -> Path:
    """Unix sockets want short paths, which pytest's own temporary directories are not."""
    return Path(tempfile.mkdtemp(prefix="fb-", dir="/tmp"))


def descendants(root: int) -> set[int]:
    """Ids of every process below `root`, whatever its group or session."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it ended while we looked
    found: set[int] = set()
    wave = {root}
    while wave:
        wave = {child for child, parent in parents.items() if parent in wave} - found
        found |= wave
    return found


def some_descendants(root: int, seconds: float = 60.0) -> set[int]:
    """Those below `root` as soon as there are any."""
    deadline = time.monotonic() + seconds
    while not (found := descendants(root)):
        assert time.monotonic() < deadline, "the demo has started nothing"
        time.sleep(0.02)
    return found


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(processes: set[int], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while any(alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_every_request_goes_where_it_should(short_directory: Path) -> None:
    process = start(short_directory, "--output", "json")
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    result = json.loads(out)
    assert result["ok"]
    assert len(result["cases"]) >= 14
    assert not result["mismatches"]
    by_title = {case["title"]: case for case in result["cases"]}
    assert by_title["a batch job that names its model"]["decided_by"] == "Envoy"
    assert by_title["mathematics"]["server"].startswith("frontier-")
    assert all(case["added_ms"] is not None for case in result["cases"] if case["server"])
    assert "\x1b" not in err
    assert list(short_directory.iterdir()) == []


@pytest.mark.parametrize("moment", ["6 simulated", "small talk"])
def test_ctrl_c_leaves_no_process_and_no_file_behind(short_directory: Path, moment: str) -> None:
    process = start(short_directory)
    assert process.stdout is not None
    for line in process.stdout:
        if moment in line:
            break
    below = some_descendants(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=90)
    assert process.returncode == 130, out + err
    assert gone(below)
    assert list(short_directory.iterdir()) == []
