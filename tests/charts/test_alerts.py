"""Alerts ask for metrics that exist, and each has a section in the runbook with commands to begin with.

e2e/test_chart_values.py has Prometheus' own parser read them; e2e/test_alarms.py brings about what they tell of.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GROUPS = yaml.safe_load((ROOT / "charts/forebay/alerts/forebay.yaml").read_text())["groups"]
ALERTS = [rule for group in GROUPS for rule in group["rules"]]
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
SUFFIX = re.compile(r"_(total|bucket|info)$")
FOREIGN = {"envoy_server_days_until_first_cert_expiring", "up"}
COMMANDS = 3


def test_every_metric_is_one_that_our_processes_tell() -> None:
    folders = (ROOT / "extproc/forebay_extproc", ROOT / "operator/forebay_operator")
    sources = "\n".join(path.read_text() for folder in folders for path in folder.rglob("*.py"))
    for rule in ALERTS:
        for name in re.findall(r"(\w+)\{", rule["expr"]):
            assert name in FOREIGN or f'"{SUFFIX.sub("", name)}"' in sources, rule["alert"]


def test_every_selector_is_of_this_release_alone() -> None:
    for rule in ALERTS:
        for selector in re.findall(r"\{([^}]*)\}", rule["expr"]):
            assert 'namespace="NAMESPACE"' in selector, rule["alert"]
            assert "NAME-" in selector.replace("NAMESPACE", ""), rule["alert"]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_is_and_the_runbook_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert {"summary", "description"} == rule["annotations"].keys()
    section = RUNBOOK.partition(f"\n## {rule['alert']}\n")[2].partition("\n## ")[0]
    commands = re.findall(r"^(?:kubectl|helm|metrics|for) .+$", section, re.MULTILINE)
    assert len(commands) >= COMMANDS, f"{rule['alert']} has {len(commands)} commands in docs/runbook.md"


def test_the_runbook_has_no_section_of_an_alert_that_is_gone() -> None:
    assert set(re.findall(r"^## (Forebay\w+)$", RUNBOOK, re.MULTILINE)) == {rule["alert"] for rule in ALERTS}


def test_links_of_the_runbook_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)?(?:#([^)]+))?\)", RUNBOOK):
        page, anchor = target
        file = ROOT / "docs" / page if page else ROOT / "docs/runbook.md"
        assert file.exists(), page
        if anchor:
            titles = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in slugs, f"{page}#{anchor}"
