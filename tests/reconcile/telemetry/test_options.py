"""The budget on the command line."""

from __future__ import annotations

import pytest

from forebay_operator.options import parse_options
from forebay_operator.scrape.budget import DEFAULT_BUDGET

DIRECTORY = ["--directory", ".", "--listen", "unix:o"]


def test_the_scrape_budget_has_a_default() -> None:
    assert parse_options(DIRECTORY).scrape_budget == DEFAULT_BUDGET
    assert parse_options([*DIRECTORY, "--scrape-budget", "50"]).scrape_budget == 50


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "many"])
def test_a_budget_that_is_none_is_refused_in_a_sentence(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_options([*DIRECTORY, "--scrape-budget", value])
    assert "is not a number of scrapes a second" in capsys.readouterr().err
