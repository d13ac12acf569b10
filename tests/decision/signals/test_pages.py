"""The catalogue's pages: one a kind, with an example that works, and up to date."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import yaml
from builders import a_policy, direct

from forebay_api.signal import KINDS, Signal
from forebay_decision.policy.compiler import compile_rules
from forebay_decision.policy.variables import SIGNAL_FIELDS
from forebay_decision.signals.catalog import CATALOG
from forebay_decision.signals.pages import PAGES, generated_pages, main
from forebay_decision.signals.pii.national import COUNTRIES

DOCS = Path(__file__).parents[3] / "docs/signals"


def test_every_kind_has_a_detector_parts_and_a_page() -> None:
    assert set(KINDS) == set(CATALOG) == set(SIGNAL_FIELDS) == set(PAGES)


@pytest.mark.parametrize("kind", PAGES)
def test_the_example_of_a_page_is_a_policy(kind: str) -> None:
    page = PAGES[kind]
    signal = yaml.safe_load(page.signal)
    rule = {"name": "example", "when": page.when, "use": "economical"}
    strategies = [direct("small", name="economical")]
    spec = a_policy(signals=[signal], rules=[rule], strategies=strategies, default={"use": "economical"})
    assert msgspec.convert(signal, Signal).kind == kind
    assert compile_rules("default/p", spec).errors == ()


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_says_what_matches_and_what_is_unknown(kind: str) -> None:
    text = PAGES[kind].module.__doc__ or ""
    assert text.startswith(f"`{kind}`")
    assert "\n\n" in text or len(text) > 60


def test_the_page_of_pii_lists_the_countries_that_are_known() -> None:
    text = " ".join((PAGES["pii"].module.__doc__ or "").split())
    assert f": {', '.join(COUNTRIES)}." in text


def test_the_pages_in_docs_are_what_would_be_generated() -> None:
    assert {path.name for path in DOCS.glob("*.md")} == set(generated_pages())
    assert main(["--out", str(DOCS), "--check"]) == 0


def test_a_page_that_is_stale_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path)]) == 0
    (tmp_path / "pii.md").write_text("old\n")
    assert main(["--out", str(tmp_path), "--check"]) == 1
    assert "-old" in capsys.readouterr().out
