"""`forebay train` and `forebay calibrate`: from a file of labelled texts to an artefact that a policy names."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forebay_cli.app import app
from forebay_cli.train.rows import read_examples
from forebay_models.heads.train import TrainingError

TEXTS = {
    "refund": [
        "I want my money back",
        "please refund the order",
        "how do I get a refund",
        "refund my last payment now",
    ],
    "login": [
        "I cannot sign in",
        "my password does not work",
        "reset my login",
        "the account is locked, I cannot log in",
    ],
    "delivery": [
        "where is my parcel",
        "the package has not arrived",
        "track my delivery",
        "when will my order be delivered",
    ],
}


def a_csv(folder: Path, rows: list[tuple[str, str]], header: tuple[str, str] = ("text", "label")) -> Path:
    path = folder / "tickets.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def forebay(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from forebay_cli.app import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


@pytest.mark.timeout(600)
def test_a_csv_becomes_an_artefact_with_a_card_that_explain_reads(tmp_path: Path) -> None:
    path = a_csv(tmp_path, [(text, label) for label, texts in TEXTS.items() for text in texts])
    done = forebay("train", path, "--output", "json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (tmp_path / "tickets.head").exists()
    assert told["digest"] in (tmp_path / "tickets.md").read_text(encoding="utf-8")
    assert told["labels"] == ["delivery", "login", "refund"]
    again = forebay("calibrate", tmp_path / "tickets.head", path, "--out", tmp_path / "ours.head", "--output", "json")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "ours.head").exists()
    assert json.loads(again.stdout)["score"] == 1.0


@pytest.mark.parametrize(
    ("rows", "header", "why"),
    [
        ([("a", "x"), ("b", "y")], ("body", "label"), "columns text and label"),
        ([("a", "")], ("text", "label"), "line 2: expected one label"),
        ([("a", "x|y")], ("text", "label"), None),
        ([], ("text", "label"), "no rows"),
    ],
)
def test_a_file_that_cannot_be_learnt_from_is_refused_by_line(
    tmp_path: Path, rows: list[tuple[str, str]], header: tuple[str, str], why: str | None
) -> None:
    path = a_csv(tmp_path, rows, header)
    if why is None:
        assert read_examples(path, several=False).labels == (("x|y",),)
        assert read_examples(path, several=True).labels == (("x", "y"),)
        return
    with pytest.raises(TrainingError, match=why):
        read_examples(path, several=False)


def test_json_lines_may_list_labels(tmp_path: Path) -> None:
    path = tmp_path / "topics.jsonl"
    path.write_text('{"text":"a","label":["x","y"]}\n\n{"text":"b","label":[]}\n', encoding="utf-8")
    assert read_examples(path, several=True).labels == (("x", "y"), ())
    with pytest.raises(TrainingError, match="line 1: expected one label; use --several"):
        read_examples(path, several=False)


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "topics.jsonl"
    path.write_text('{"text":"a","label":"x"}\n{"text":1}\n', encoding="utf-8")
    with pytest.raises(TrainingError, match="line 2"):
        read_examples(path, several=False)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_file_in_another_encoding_is_told_to_be_one_from_its_first_line_on(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "tickets.csv"
    path.write_bytes("text,label\nGröße 42,a\n".encode(encoding))
    with pytest.raises(TrainingError, match="not UTF-8; convert it"):
        read_examples(path, several=False)


def test_a_first_line_that_names_other_columns_is_told_which(tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    path.write_text("text;label\na;b\n", encoding="utf-8")
    with pytest.raises(TrainingError, match="separated by commas; it names 'text;label'"):
        read_examples(path, several=False)


@pytest.mark.parametrize("model", ["sentiment", "task", "tickets.csv"])
def test_a_model_that_has_no_thresholds_is_not_calibrated_and_those_that_have_are_named(
    tmp_path: Path, model: str
) -> None:
    done = CliRunner().invoke(app, ["calibrate", model, str(a_csv(tmp_path, [("a", "x")]))])
    assert done.exit_code == 2
    assert "one of difficulty, domain, injection" in " ".join(done.output.split())


def test_a_json_document_is_told_from_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "tickets.json"
    path.write_text('[{"text": "a", "label": "x"}]', encoding="utf-8")
    with pytest.raises(TrainingError, match=r"one object a line is read, from a file that ends in \.jsonl"):
        read_examples(path, several=False)


def test_rows_of_nothing_but_commas_are_none(tmp_path: Path) -> None:
    path = a_csv(tmp_path, [("a", "x"), ("", ""), ("b", "y"), (" ", "")])
    assert read_examples(path, several=False).texts == ("a", "b")


def test_a_place_that_is_not_there_and_a_text_of_ones_own_are_told_before_the_work(tmp_path: Path) -> None:
    path = a_csv(tmp_path, [("a", "x")])
    (tmp_path / "tickets.md").write_text("# My notes\n", encoding="utf-8")
    for arguments, said in (
        (("--out", tmp_path / "nowhere" / "x.head"), "there is no directory"),
        ((), "is there and no model's card"),
    ):
        done = CliRunner().invoke(app, ["train", str(path), *map(str, arguments)])
        assert (done.exit_code, said in " ".join(done.output.split())) == (2, True), done.output
    assert (tmp_path / "tickets.md").read_text(encoding="utf-8") == "# My notes\n"
