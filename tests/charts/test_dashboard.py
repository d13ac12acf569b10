"""The dashboard asks for metrics that exist. e2e/test_chart_release.py asks running processes for them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "charts/forebay/dashboards/forebay.json").read_text())
SUFFIX = re.compile(r"_(total|bucket|info)$")


def _expressions() -> list[str]:
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]


def _sources() -> str:
    folders = (ROOT / "extproc/forebay_extproc", ROOT / "operator/forebay_operator")
    return "\n".join(path.read_text() for folder in folders for path in folder.rglob("*.py"))


def test_every_metric_of_the_dashboard_is_one_of_ours() -> None:
    sources = _sources()
    asked = {name for expression in _expressions() for name in re.findall(r"forebay_\w+", expression)}

    assert asked
    assert {name for name in asked if f'"{SUFFIX.sub("", name)}"' not in sources} == set()


def test_every_expression_is_about_the_chosen_namespace() -> None:
    for expression in _expressions():
        selectors = re.findall(r"\{([^}]*)\}", expression)
        assert selectors, expression
        assert all('namespace="$namespace"' in selector for selector in selectors), expression


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]

    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        cells = _cells(panel["gridPos"])
        assert not cells & taken, panel["title"]
        taken |= cells


def _cells(place: dict[str, Any]) -> set[tuple[int, int]]:
    return {
        (x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])
    }
