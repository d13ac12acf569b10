"""Classifier signals: scores and labels of a head, what counts as matched, and when nothing is known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from builders import a_policy, a_pool, chat, compiled, decide, direct, head, surroundings
from hypothesis import given
from hypothesis import strategies as st

from forebay_api.wire import PlacedSpec
from forebay_decision.dialects.openai.view import read
from forebay_decision.errors import PolicyError
from forebay_decision.inspect import all_signals
from forebay_decision.record import SignalRecord
from forebay_decision.route import Forward
from forebay_decision.work import run_inline
from forebay_models.encoder import Encoder, EncoderKind
from forebay_models.errors import ArtefactError
from forebay_models.heads import library as library_module
from forebay_models.heads.artefact import digest_of, pack_head
from forebay_models.heads.head import Head, HeadManifest
from forebay_models.heads.library import Library
from forebay_models.load import load_encoder

POOLS = {"default/small": a_pool()}
DIGEST = "sha256:" + "e" * 64
WORDS = ("law", "math", "poem")


class WordEncoder:
    """One dimension a known word; counts what it was asked to encode."""

    name = "Transformer"
    digest = DIGEST
    dimensions = len(WORDS)
    max_tokens = 256

    def __init__(self) -> None:
        self.passes: list[str] = []

    def encode(self, texts: Sequence[str], *, max_tokens: int | None = None) -> Any:
        self.passes += texts
        return np.array([[float(word in text) for word in WORDS] for text in texts], np.float32)


class Counting(WordEncoder):
    """In the place of the transformer that ships."""

    dimensions = 384

    def __init__(self) -> None:
        super().__init__()
        self.digest = shipped("Transformer").digest

    def encode(self, texts: Sequence[str], *, max_tokens: int | None = None) -> Any:
        self.passes += texts
        return np.zeros((len(texts), self.dimensions), np.float32)


def a_head(**fields: Any) -> Head:
    """Sure of the label whose word stands in the text, even between labels where none does."""
    manifest = HeadManifest(
        **({"name": "words", "choice": "One", "encoder": DIGEST, "labels": WORDS, "threshold": 0.6} | fields)
    )
    outputs = 1 if manifest.choice == "Binary" else len(manifest.labels)
    arrays = {"weight": np.eye(len(WORDS), outputs, dtype=np.float32), "bias": np.zeros(outputs, np.float32)}
    return Head(manifest, arrays, DIGEST)


def a_classifying_policy(encoder: WordEncoder, found: Head, *signals: dict[str, Any]) -> Any:
    named = [{"name": f"s{at}", "classifier": each} for at, each in enumerate(signals)]
    spec = a_policy(signals=named, strategies=[direct("small")])
    return compiled(spec, POOLS, encoders=lambda _kind, _digest="": encoder, heads=lambda *_: found)


def judged(text: str, found: Head | None = None, encoder: WordEncoder | None = None, **fields: Any) -> SignalRecord:
    policy = a_classifying_policy(encoder or WordEncoder(), found or a_head(), {"model": "domain"} | fields)
    return records(policy, text)["s0"]


def records(policy: Any, text: str, **fields: Any) -> dict[str, SignalRecord]:
    view = read("ChatCompletions", chat(text, **fields)).view
    return run_inline(all_signals(policy, head(), view, surroundings()))


def test_the_likeliest_label_and_all_scores_are_told() -> None:
    record = judged("a question of law")
    assert (record.matched, record.label, record.threshold) == (True, "law", 0.6)
    assert record.scores is not None
    assert sum(record.scores.values()) == pytest.approx(1, abs=1e-4)
    assert record.score == record.scores["law"] > 0.99


def test_below_the_threshold_nothing_is_matched_and_the_likeliest_label_is_still_told() -> None:
    record = judged("a question of law and math")
    assert (record.matched, record.score) == (False, pytest.approx(0.5, abs=0.01))


def test_a_policy_may_say_which_labels_count_and_from_what_score() -> None:
    assert judged("law and math", labels=["math"], threshold=0.4).matched
    assert not judged("law and math", labels=["poem"], threshold=0.4).matched


def test_a_text_about_none_of_the_labels_does_not_match() -> None:
    scoped = a_head(scope=5.0)
    assert judged("a question of law", scoped).matched
    record = judged("a question of law", a_head(scope=20.0))
    assert (record.matched, record.label) == (False, "law")


def test_a_binary_model_scores_what_it_looks_for() -> None:
    binary = a_head(choice="Binary", labels=("benign", "injection"))
    assert judged("a question of law", binary).score == pytest.approx(1.0, abs=1e-3)
    assert judged("a question of law", binary).label == "injection"
    calm = judged("a question", binary)
    assert (calm.matched, calm.score, calm.label) == (False, 0.5, "benign")


def test_bands_turn_a_binary_score_into_low_medium_and_high() -> None:
    banded = a_head(choice="Binary", labels=("easy", "hard"), bands=(0.4, 0.9))
    assert judged("a question", banded).label == "medium"
    record = judged("a question of law", banded, labels=["high"])
    assert (record.label, record.matched) == ("high", True)


def test_of_several_labels_at_once_each_has_its_own_threshold() -> None:
    several = a_head(choice="Several", thresholds={"law": 0.999999})
    assert judged("law and math", several).matched
    assert not judged("law", several, labels=["law"]).matched
    assert judged("law", several, labels=["law"], threshold=0.9).matched


@pytest.mark.parametrize("text", ["", " ", "🙂", "12 + 12 = ?", "\u202e\u200f", "\0"], ids=ascii)
def test_a_text_without_words_is_unknown(text: str) -> None:
    record = judged(text)
    assert (record.matched, record.unknown) == (None, "no words in the text")


def test_a_script_that_the_model_has_not_seen_is_unknown_to_it_and_costs_no_encoder_pass() -> None:
    encoder = WordEncoder()
    assert judged("请介绍一下量子力学", encoder=encoder).unknown == "a script the model was not trained on"
    assert encoder.passes == []
    assert judged("请介绍一下 law", a_head(latin_only=False)).label == "law"


def test_many_models_share_one_encoder_pass() -> None:
    encoder = WordEncoder()
    policy = a_classifying_policy(
        encoder, a_head(), {"model": "domain"}, {"model": "injection"}, {"model": "difficulty"}
    )
    assert {record.label for record in records(policy, "law").values()} == {"law"}
    assert encoder.passes == ["law"]


def test_a_head_of_another_encoder_is_refused_with_the_remedy() -> None:
    with pytest.raises(PolicyError, match=r"trained on encoder sha256:ffff.*forebay train"):
        a_classifying_policy(WordEncoder(), a_head(encoder="sha256:" + "f" * 64), {"model": "domain"})


def test_a_head_of_a_former_release_is_fed_by_the_encoder_it_was_trained_on() -> None:
    now, former = WordEncoder(), WordEncoder()
    former.digest = "sha256:" + "f" * 64
    heads = {"domain": a_head(), "injection": a_head(encoder=former.digest)}
    spec = a_policy(signals=[{"name": name, "classifier": {"model": name}} for name in heads])

    def encoders(_kind: str, digest: str = "") -> WordEncoder:
        return former if digest == former.digest else now

    policy = compiled(spec, POOLS, encoders=encoders, heads=lambda name, *_: heads[name])
    assert {record.label for record in records(policy, "a question of law").values()} == {"law"}
    assert (now.passes, former.passes) == (["a question of law"], ["a question of law"])


def test_a_former_encoder_that_cannot_be_had_refuses_the_policy_alone() -> None:
    def encoders(_kind: str, digest: str = "") -> WordEncoder:
        if digest:
            raise ArtefactError("encoders/old: a third one")
        return WordEncoder()

    spec = a_policy(signals=[{"name": "s0", "classifier": {"model": "domain"}}])
    with pytest.raises(PolicyError, match="a third one"):
        compiled(spec, POOLS, encoders=encoders, heads=lambda *_: a_head(encoder="sha256:" + "f" * 64))


def test_a_label_that_the_model_lacks_is_refused_by_name() -> None:
    with pytest.raises(PolicyError, match="no label 'medicine'; there are law, math, poem"):
        a_classifying_policy(WordEncoder(), a_head(), {"model": "domain", "labels": ["medicine"]})


@cache
def shipped(kind: EncoderKind) -> Encoder:
    return load_encoder(kind)


def own(content: bytes, folder: Path, digest: str | None = None) -> Any:
    (folder / "words.head").write_bytes(content)
    named = {"artifact": {"path": "words.head", "digest": digest or digest_of(content)}}
    spec = a_policy(signals=[{"name": "s0", "classifier": named}])
    return compiled(spec, POOLS, encoders=lambda _kind: WordEncoder(), heads=Library(folder))


def test_a_policy_names_a_head_of_its_own_by_file_and_digest(tmp_path: Path) -> None:
    found = a_head()
    policy = own(pack_head(found.manifest, found.arrays), tmp_path)
    assert records(policy, "a question of law")["s0"].label == "law"


def brought(content: bytes, digest: str, heads: dict[str, bytes]) -> Any:
    artifact = {"configMapRef": {"name": "models", "key": "words.head"}, "digest": digest}
    spec = a_policy(signals=[{"name": "s0", "classifier": {"artifact": artifact}}])
    fields = {field: getattr(spec, field) for field in spec.__struct_fields__}
    placed = PlacedSpec(**fields, heads=heads)
    return compiled(placed, POOLS, encoders=lambda _kind: WordEncoder(), heads=Library())


def test_a_policy_brings_a_head_of_its_own_along() -> None:
    found = a_head()
    content = pack_head(found.manifest, found.arrays)
    policy = brought(content, digest_of(content), {digest_of(content): content})
    assert records(policy, "a question of law")["s0"].label == "law"


def test_a_head_that_has_not_come_along_or_is_another_is_refused() -> None:
    found = a_head()
    content = pack_head(found.manifest, found.arrays)
    with pytest.raises(PolicyError, match="has come without this model"):
        brought(content, DIGEST, {})
    with pytest.raises(PolicyError, match="digest is sha256:"):
        brought(content, DIGEST, {DIGEST: content})
    with pytest.raises(PolicyError, match="not a head"):
        brought(b"PK", digest_of(b"PK"), {digest_of(b"PK"): b"PK"})


def test_a_library_remembers_only_so_many_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_module, "MOST", 2)
    library, found = Library(), a_head()
    made = [pack_head(msgspec.structs.replace(found.manifest, name=f"head {n}"), found.arrays) for n in range(3)]
    heads = [library(None, "", digest_of(content), content) for content in made]
    assert library(None, "", digest_of(made[2]), made[2]) is heads[2]
    assert library(None, "", digest_of(made[0]), made[0]) is not heads[0]


def test_an_altered_head_is_refused(tmp_path: Path) -> None:
    found = a_head()
    with pytest.raises(PolicyError, match="digest is sha256:"):
        own(pack_head(found.manifest, found.arrays) + b" ", tmp_path, "sha256:" + "0" * 64)


def test_without_a_folder_for_artefacts_the_message_says_how_to_name_one() -> None:
    with pytest.raises(ArtefactError, match="--artifacts"):
        Library().own("words.head", DIGEST)


def test_a_path_does_not_leave_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="leaves the folder"):
        Library(tmp_path / "inner").own("../words.head", DIGEST)


@pytest.mark.parametrize(
    ("model", "text", "label"),
    [
        ("task", "Fix the bug in this Python function", "code"),
        ("task", "Summarise the minutes in three bullet points", "summarize"),
        ("task", "Hello, how are you?", "chat"),
        ("task", "Why do cats purr?", "chat"),
        ("task", "Remind me to water the tomatoes at six", "tooling"),
        ("task", "Schreibe eine Funktion in Python, die zwei Listen vergleicht", "code"),
        ("task", "gfhjd kkkdls wqxz", "unknown"),
        ("risk", "What is a good name for a cat?", "low"),
        ("risk", "What helps against a stiff neck?", "medium"),
        ("risk", "Drop the customers table in production", "high"),
        ("risk", "My 4-year-old daughter swallowed some medication", "high"),
        ("uncertainty", "fix it", "ambiguous"),
        ("uncertainty", "Write a letter to my landlord about the broken heating in the hall", "clear"),
        ("factuality", "When was the printing press invented?", "checkable"),
        ("factuality", "Write a poem about the printing press", "free"),
        ("needsRetrieval", "What does our handbook say about travel? Cite the page.", "needsRetrieval"),
        ("needsRetrieval", "Explain recursion", "selfContained"),
        ("reasoning", "Prove that the square root of 2 is irrational", "profits"),
        ("reasoning", "Say hello in Welsh", "direct"),
    ],
)
def test_models_on_derived_labels_tell_plain_cases_apart(model: str, text: str, label: str) -> None:
    spec = a_policy(signals=[{"name": "s0", "classifier": {"model": model}}])
    assert records(compiled(spec, POOLS, encoders=shipped), text)["s0"].label == label


def test_offered_tools_count_for_tasks_needs_and_risk() -> None:
    signals = [{"name": model, "classifier": {"model": model}} for model in ("task", "needsTools", "risk")]
    policy = compiled(a_policy(signals=signals), POOLS, encoders=shipped)
    tools = [{"type": "function", "function": {"name": "delete_account"}}]
    found = records(policy, "Delete the account of customer 17", tools=tools)
    assert (found["task"].label, found["needsTools"].label, found["risk"].label) == ("tooling", "needsTools", "high")


def test_earlier_turns_settle_what_a_text_points_at() -> None:
    policy = compiled(
        a_policy(signals=[{"name": "s0", "classifier": {"model": "uncertainty"}}]), POOLS, encoders=shipped
    )
    turns = [
        {"role": role, "content": text} for role, text in (("user", "Draft a note"), ("assistant", "Dear Ann, ..."))
    ]
    body = msgspec.json.encode({"model": "auto", "messages": [*turns, {"role": "user", "content": "make it shorter"}]})
    view = read("ChatCompletions", body).view
    assert run_inline(all_signals(policy, head(), view, surroundings()))["s0"].label == "clear"
    assert records(policy, "make it shorter")["s0"].label == "ambiguous"


@pytest.mark.parametrize(
    "text",
    ["a" * (1 << 20), "a@b.c " * (1 << 17), "nul\x00" * 999, "\u202eright\u200f", "x:\n" * (1 << 18)],
    ids=lambda text: ascii(text[:6]),
)
def test_no_form_of_text_makes_a_model_on_derived_labels_fail(text: str) -> None:
    signals = [{"name": m, "classifier": {"model": m}} for m in ("task", "risk", "uncertainty", "needsTools")]
    for record in records(compiled(a_policy(signals=signals), POOLS, encoders=shipped), text).values():
        assert not (record.unknown or "").startswith("error")


def test_all_models_on_derived_labels_share_one_pass_and_one_look_at_the_wording() -> None:
    encoder = Counting()
    models = ("task", "risk", "uncertainty", "factuality", "needsRetrieval", "needsTools", "reasoning")
    spec = a_policy(signals=[{"name": model, "classifier": {"model": model}} for model in models])
    policy = compiled(spec, POOLS, encoders=lambda kind: encoder if kind == "Transformer" else shipped("Static"))
    assert len(records(policy, "Book a table for two")) == len(models)
    assert encoder.passes == ["Book a table for two"]


@given(st.text(max_size=200))
def test_no_text_makes_a_classifier_fail(text: str) -> None:
    signals = [{"name": m, "classifier": {"model": m}} for m in ("domain", "task", "risk", "uncertainty", "factuality")]
    policy = compiled(
        a_policy(signals=signals),
        POOLS,
        encoders=lambda kind, digest="": WordEncoder() if digest == DIGEST else shipped(kind),
        heads=lambda name: Library().ship(name) if name == "asks" else a_head(),
    )
    for record in records(policy, text).values():
        assert not (record.unknown or "").startswith("error")


def test_a_head_that_reads_parts_of_a_text_shares_them_and_takes_those_of_what_was_hidden_apart() -> None:
    class Table(WordEncoder):
        name = "Static"

    table, encoder = Table(), WordEncoder()
    arrays = {"weight": np.eye(5 * len(WORDS), 3, dtype=np.float32), "bias": np.zeros(3, np.float32)}
    fields: dict[str, Any] = {"static": DIGEST, "wording": True, "unmask": True, "labels": WORDS, "threshold": 0.6}
    found = Head(HeadManifest(name="parts", choice="One", encoder=DIGEST, **fields), arrays, DIGEST)
    signals = [{"name": f"s{at}", "classifier": {"model": model}} for at, model in enumerate(("domain", "injection"))]
    policy = compiled(
        a_policy(signals=signals),
        POOLS,
        encoders=lambda kind, _digest="": table if kind == "Static" else encoder,
        heads=lambda *_: found,
    )
    assert records(policy, "a question of law")["s0"].label == "law"
    assert table.passes == ["a question of law", "a question of"]
    assert records(policy, "a question of l\u200baw")["s1"].label == "law"
    assert encoder.passes == ["a question of law"] * 2


def test_a_rule_routes_by_a_classifiers_label() -> None:
    spec = a_policy(
        signals=[{"name": "field", "classifier": {"model": "domain"}}],
        strategies=[direct("small", name="a"), direct("small", name="b")],
        rules=[{"name": "law", "when": "signals.field.matched && signals.field.label == 'law'", "use": "a"}],
        default={"use": "b"},
    )
    policy = compiled(spec, POOLS, encoders=lambda _kind: WordEncoder(), heads=lambda *_: a_head())
    routed = decide(policy, chat("a question of law"))
    assert isinstance(routed, Forward)
    assert (routed.record.rule, routed.record.strategy) == ("law", "a")


def with_results(*results: str) -> bytes:
    calls = [{"role": "tool", "tool_call_id": str(at), "content": text} for at, text in enumerate(results)]
    messages = [{"role": "user", "content": "Read my mail"}, *calls]
    return msgspec.json.encode({"model": "auto", "messages": messages})


def scanned(body: bytes, seconds: float = 1.0) -> SignalRecord:
    binary = a_head(choice="Binary", labels=("benign", "injection"))
    policy = a_classifying_policy(WordEncoder(), binary, {"model": "injection", "scope": "ToolResults"})
    around = surroundings(deadline=seconds)
    return run_inline(all_signals(policy, head(), read("ChatCompletions", body).view, around))["s0"]


def test_results_of_tools_are_read_window_by_window_and_the_record_says_where() -> None:
    record = scanned(with_results("nothing here", "word " * 200 + "law " + "word " * 200))
    assert record.matched
    assert record.values is not None
    assert record.values["result"] == 0
    assert record.values["start"] <= 1000 < record.values["end"]


@pytest.mark.parametrize(("given", "least", "matched"), [({}, 0.999999, False), ({"threshold": 0.9}, 0.9, True)])
def test_a_model_may_have_a_threshold_of_its_own_for_results_unless_the_policy_says_one(
    given: dict[str, float], least: float, matched: bool
) -> None:
    binary = a_head(choice="Binary", labels=("benign", "injection"), results_threshold=0.999999)
    policy = a_classifying_policy(
        WordEncoder(), binary, {"model": "injection", "scope": "ToolResults"} | given, {"model": "injection"}
    )
    view = read("ChatCompletions", with_results("some law")).view
    found = run_inline(all_signals(policy, head(), view, surroundings()))
    assert (found["s0"].threshold, found["s0"].matched) == (least, matched)
    assert found["s1"].threshold == 0.6


def test_what_was_not_read_is_not_known_to_be_harmless() -> None:
    record = scanned(with_results("word " * 2_000), seconds=0.02)
    assert record.unknown == "the results of tools were too long to be read in full"
    assert scanned(with_results("law " * 2_000), seconds=0.02).matched


def test_without_results_of_tools_there_is_nothing_to_tell() -> None:
    assert scanned(chat("law")).unknown == "no results of tools"
