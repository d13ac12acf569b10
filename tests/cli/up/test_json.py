"""`forebay up -o json` for programs: the first line says where everything listens."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from forebay_cli.console import print_json
from forebay_cli.up.plan import Addresses, Plan
from forebay_cli.up.status import where


class Pipe(io.StringIO):
    """Remembers what a reader of a pipe would have got by now."""

    arrived = ""

    def flush(self) -> None:
        self.arrived = self.getvalue()


def test_the_first_line_says_where_it_listens_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    addresses = Addresses(
        listeners=("http://127.0.0.1:10080", "http://127.0.0.1:10081"),
        admin="127.0.0.1:9901",
        operator="unix:/o.sock",
        data_planes=("unix:/0.sock", "unix:/1.sock"),
        metrics=(9100, 9101),
    )
    pipe = Pipe()
    monkeypatch.setattr("sys.stdout", pipe)
    print_json(where(Plan(tmp_path, tmp_path, addresses, (10080, 10081))), indent=False)
    assert pipe.arrived.count("\n") == 1
    assert json.loads(pipe.arrived) == {
        "listeners": ["http://127.0.0.1:10080", "http://127.0.0.1:10081"],
        "metrics": ["http://127.0.0.1:9100/metrics", "http://127.0.0.1:9101/metrics"],
        "admin": "http://127.0.0.1:9901",
        "logs": str(tmp_path / "logs"),
    }
