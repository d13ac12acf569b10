"""Two supervisors over one directory would take each other's sockets; the second is told so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from forebay_cli.up.claim import AlreadyRunning, claim


def test_a_run_directory_has_one_supervisor_at_a_time(tmp_path: Path) -> None:
    first = claim(tmp_path)
    with pytest.raises(AlreadyRunning, match="another `forebay up` runs over"):
        claim(tmp_path)
    os.close(first)
    os.close(claim(tmp_path))
