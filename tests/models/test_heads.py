"""Heads: fitted in numpy, kept in one file, refused when altered, and calibrated on rows that fitted nothing."""

import numpy as np
import pytest

from forebay_models.errors import ArtefactError
from forebay_models.heads.artefact import digest_of, pack_head, read_head, unpack_head
from forebay_models.heads.calibrate import (
    best_threshold,
    fit_isotonic,
    fit_temperature,
    reliability,
    threshold_for_false_alarms,
)
from forebay_models.heads.fit import Recipe, fit, logits_of, narrow, squash
from forebay_models.heads.head import Head, HeadManifest, Reading, join
from forebay_models.heads.reach import out_of_reach
from forebay_models.heads.surface import NAMES, describe
from forebay_models.heads.train import Encoders, Examples, TrainingError, check, cross_fit, recalibrate, train

DIGEST = "sha256:" + "0" * 64


class Letters:
    """An encoder of 4 letters: one dimension each."""

    name = "Transformer"
    digest = DIGEST
    dimensions = 4
    max_tokens = 256

    def encode(self, texts, *, max_tokens=None):
        rows = np.array([[text.count(letter) for letter in "abcd"] for text in texts], np.float32)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


def clouds(count=300, labels=3, seed=0):
    """Rows around one corner a label, noisy enough that some are on the wrong side."""
    chance = np.random.default_rng(seed)
    numbers = np.arange(count) % labels
    return np.eye(8, dtype=np.float32)[numbers] + chance.normal(0, 0.4, (count, 8)).astype(np.float32), numbers


def a_manifest(**fields):
    given = {"name": "h", "choice": "One", "encoder": DIGEST, "labels": ("a", "b", "c"), "threshold": 0.5}
    return HeadManifest(**(given | fields))


def a_head(**fields):
    arrays = {"weight": np.eye(4, 3, dtype=np.float32), "bias": np.zeros(3, np.float32)}
    return pack_head(a_manifest(**fields), arrays)


def test_members_fitted_apart_answer_as_one_head_with_the_mean_of_their_logits():
    values, numbers = clouds()
    targets = np.eye(3, dtype=np.float32)[numbers]
    both = fit(values, targets, "One", Recipe(hidden=8, members=2))
    apart = [logits_of(fit(values, targets, "One", Recipe(hidden=8, seed=seed)), values) for seed in (0, 1)]
    assert {name: array.shape for name, array in both.items()} == {
        "weight": (16, 3),
        "bias": (3,),
        "weight0": (values.shape[1], 16),
        "bias0": (16,),
    }
    np.testing.assert_allclose(logits_of(both, values), np.mean(apart, axis=0), atol=1e-4)


def test_a_narrowed_head_answers_as_before_where_its_layer_uses_few_directions():
    values, numbers = clouds()
    whole = fit(values, np.eye(3, dtype=np.float32)[numbers], "One", Recipe(hidden=16))
    slim = narrow(whole, values, 8)
    assert (slim["narrow"].shape, slim["weight0"].shape) == ((8, 8), (8, 16))
    np.testing.assert_allclose(logits_of(slim, values), logits_of(whole, values), atol=1e-3)
    thin = logits_of(narrow(whole, values, 3), values)
    assert (thin.argmax(axis=1) == logits_of(whole, values).argmax(axis=1)).mean() > 0.95


@pytest.mark.parametrize("hidden", [0, 16])
def test_a_fitted_head_separates_what_can_be_separated(hidden):
    values, numbers = clouds()
    arrays = fit(values, np.eye(3, dtype=np.float32)[numbers], "One", Recipe(hidden=hidden))
    assert (logits_of(arrays, values).argmax(axis=1) == numbers).mean() > 0.85


def test_the_same_rows_and_recipe_give_the_same_head():
    values, numbers = clouds()
    one, other = (fit(values, np.eye(3, dtype=np.float32)[numbers], "One", Recipe(hidden=8)) for _ in range(2))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_several_labels_are_learnt_each_by_itself():
    values, numbers = clouds(labels=2)
    targets = np.stack([numbers == 0, numbers == 1, np.ones(len(numbers))], axis=1).astype(np.float32)
    beliefs = squash(logits_of(fit(values, targets, "Several"), values), "Several")
    assert beliefs[:, 2].mean() > 0.85
    assert ((beliefs[:, :2] > 0.5) == (targets[:, :2] > 0.5)).mean() > 0.9


def test_a_head_survives_its_file_and_the_same_head_gives_the_same_bytes():
    content = a_head(threshold=0.7)
    assert content == a_head(threshold=0.7)
    found = unpack_head(content, "h.head", digest_of(content))
    assert (found.manifest.threshold, found.digest) == (0.7, digest_of(content))
    assert found.judge(Reading(np.array([1, 0, 0, 0], np.float32))).label == "a"


def test_a_narrowed_head_survives_its_file():
    values, numbers = clouds()
    slim = narrow(fit(values, np.eye(3, dtype=np.float32)[numbers], "One", Recipe(hidden=8)), values, 4)
    found = unpack_head(pack_head(a_manifest(), slim), "h.head")
    np.testing.assert_array_equal(found.logits(Reading(values / 10)), logits_of(slim, join(Reading(values / 10))))


def test_what_earlier_releases_do_not_know_is_written_only_where_it_says_something():
    assert b"wording" not in a_head()
    assert unpack_head(a_head(wording=True, static=DIGEST), "h.head").manifest.wording


@pytest.mark.parametrize(
    ("fields", "outputs", "knots"),
    [
        ({}, 3, None),
        ({"choice": "Several"}, 3, None),
        ({"choice": "Binary", "labels": ("a", "b")}, 1, None),
        ({"choice": "Binary", "labels": ("a", "b")}, 1, [[0.2, 0.5, 0.8], [0.0, 0.4, 1.0]]),
        ({"labels": tuple(map(str, range(40)))}, 40, None),
    ],
    ids=["one", "several", "binary", "bent", "many"],
)
def test_scores_of_one_text_are_the_probabilities_of_many(fields, outputs, knots):
    chance = np.random.default_rng(0)
    rows = chance.normal(0, 0.2, (50, 4)).astype(np.float32)
    arrays = {"weight": chance.normal(0, 1, (4, outputs)).astype(np.float32), "bias": np.zeros(outputs, np.float32)}
    if knots is not None:
        arrays["knots"] = np.array(knots, np.float32)
    found = Head(a_manifest(**fields), arrays, DIGEST)
    many = found.probabilities(Reading(rows))
    for row, beliefs in zip(rows, many, strict=True):
        np.testing.assert_allclose(found.scores(Reading(row)), beliefs, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        {"weight0": np.zeros((4, 3), np.float32)},
        {"weight0": np.zeros((4, 3), np.float32), "bias0": np.zeros(4, np.float32)},
        {"weight0": np.zeros((4, 5), np.float32), "bias0": np.zeros(5, np.float32)},
        {"narrow": np.zeros((4, 3), np.float32)},
        {
            "narrow": np.zeros((4, 2), np.float32),
            "weight0": np.zeros((3, 3), np.float32),
            "bias0": np.zeros(3, np.float32),
        },
    ],
    ids=["no bias", "another bias", "another width", "nothing behind", "fewer columns"],
)
def test_a_hidden_layer_that_does_not_fit_is_refused_when_the_file_is_read(layer):
    arrays = {"weight": np.eye(3, dtype=np.float32), "bias": np.zeros(3, np.float32)} | layer
    with pytest.raises(ArtefactError, match="do not fit its 3 labels"):
        unpack_head(pack_head(a_manifest(), arrays), "h.head")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not a head"),
        (b"PK\x03\x04 nonsense", "not a head"),
        (a_head(format=9), "format 9"),
        (a_head(labels=("a", "b")), "do not fit its 2 labels"),
        (a_head(choice="Binary"), "do not fit"),
    ],
)
def test_what_is_no_head_is_refused_with_the_remedy(content, why):
    with pytest.raises(ArtefactError, match=why):
        unpack_head(content, "h.head")


def test_an_altered_file_and_a_missing_one_are_refused_by_name(tmp_path):
    path = tmp_path / "h.head"
    with pytest.raises(ArtefactError, match=r"h\.head"):
        read_head(path)
    path.write_bytes(a_head())
    with pytest.raises(ArtefactError, match="digest is"):
        read_head(path, DIGEST)


def test_a_temperature_makes_overconfident_scores_honest():
    chance = np.random.default_rng(0)
    logits = chance.normal(0, 1, (4000, 3)).astype(np.float32)
    truth = np.array([chance.choice(3, p=row) for row in squash(logits, "One")])
    targets = np.eye(3, dtype=np.float32)[truth]
    loud = logits * 4
    found = fit_temperature(loud, targets, "One")
    assert found == pytest.approx(4, rel=0.15)
    beliefs = squash(loud / np.float32(found), "One")
    hits = (beliefs.argmax(axis=1) == truth).astype(np.float32)
    assert reliability(beliefs.max(axis=1), hits).error < 0.04


def test_isotonic_knots_rise_and_repair_a_bent_score():
    chance = np.random.default_rng(0)
    truth = chance.random(6000).astype(np.float32)
    hits = (chance.random(6000) < truth).astype(np.float32)
    knots = fit_isotonic(truth**3, hits)
    assert (np.diff(knots) >= 0).all()
    assert reliability(np.interp(truth**3, *knots).astype(np.float32), hits).error < 0.03


def test_calibration_error_is_the_gap_between_confidence_and_rate():
    confidence = np.full(100, 0.9, np.float32)
    hits = np.array([1.0] * 60 + [0.0] * 40, np.float32)
    assert reliability(confidence, hits).error == pytest.approx(0.3, abs=1e-5)


def test_thresholds_keep_their_promise():
    scores = np.linspace(0, 1, 1001).astype(np.float32)
    assert (scores >= threshold_for_false_alarms(scores, 0.05)).mean() <= 0.05
    assert 0.4 < best_threshold(scores, (scores > 0.5).astype(np.float32)) < 0.6


def test_cross_fitted_scores_do_not_see_their_own_label():
    chance = np.random.default_rng(0)
    values = chance.normal(0, 1, (200, 150)).astype(np.float32)
    targets = np.eye(2, dtype=np.float32)[chance.integers(0, 2, 200)]
    hits = cross_fit(values, targets, "One").argmax(axis=1) == targets.argmax(axis=1)
    assert 0.35 < hits.mean() < 0.65


def examples(*pairs, several=False):
    return Examples(tuple(text for text, _ in pairs), tuple(tuple(labels) for _, labels in pairs), several)


def test_training_from_texts_gives_a_calibrated_head_and_a_report():
    pairs = [(letter * count, [letter]) for letter in "abc" for count in range(1, 13)]
    given = examples(*pairs)
    encoders = Encoders(Letters(), Letters())
    manifest, arrays, report = train("letters", given, encoders.read(given.texts), encoders)
    assert report.score == 1.0
    assert (manifest.labels, manifest.encoder, manifest.static) == (("a", "b", "c"), DIGEST, DIGEST)
    assert Head(manifest, arrays, "").judge(Reading(*(Letters().encode(["bbb"])[0],) * 2)).label == "b"


def test_texts_that_are_easy_to_tell_apart_leave_room_above_the_threshold():
    head, encoders = letters_head()
    scores = head.probabilities(encoders.read(("aaaa", "bbbb", "cccc"))).max(axis=1)
    assert head.manifest.temperature > 0.2
    assert head.manifest.threshold < 0.999
    assert (scores >= head.manifest.threshold).all(), scores


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (examples(("a", ["x"]), ("b", ["x"])), "1 label; at least 2"),
        (examples(("a", ["x"]), ("b", ["x"]), ("c", ["y"])), "label 'y' has 1 text"),
        (examples(("a", ["x"]), (" ", ["y"])), "row 2: the text is empty"),
    ],
)
def test_too_little_to_learn_from_is_refused_with_what_is_missing(given, why):
    with pytest.raises(TrainingError, match=why):
        check(given)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello", None),
        ("größer", None),
        ("123 !?", "no words in the text"),
        ("", "no words in the text"),
        ("привет", "a script the model was not trained on"),
        ("請介紹這個 API", "a script the model was not trained on"),
        ("Bitte „請“ erklären", None),
    ],
)
def test_reach_is_words_in_latin_letters(text, reason):
    assert out_of_reach(text, latin_only=True) == reason


@pytest.mark.parametrize(
    "text", ["", "a", "\0", "🙂" * 50, "a" * 1_000_000, "1" * 1_000_000, "x " * 500_000, "\ud800", "=" * 99999]
)
def test_the_surface_of_any_text_is_bounded_and_quick(text):
    found = describe(text)
    assert found.shape == (len(NAMES),)
    assert np.isfinite(found).all()
    assert ((found >= 0) & (found <= 1)).all()


def letters_head():
    pairs = [(letter * count, [letter]) for letter in "abc" for count in range(1, 13)]
    given, encoders = examples(*pairs), Encoders(Letters(), Letters())
    manifest, arrays, _ = train("letters", given, encoders.read(given.texts), encoders)
    return Head(manifest, arrays, ""), encoders


def test_thresholds_follow_the_labelled_texts_and_scores_stay_unless_a_new_head_is_asked_for():
    head, encoders = letters_head()
    mixed = examples(*((letter * 3 + other, [letter]) for letter in "abc" for other in "abc"))
    kept, arrays, report = recalibrate(head, mixed, encoders.read(mixed.texts), rescale=False)
    assert kept.temperature == head.manifest.temperature
    assert 0 < kept.threshold <= 1
    assert report.rows == 9
    assert arrays.keys() == head.arrays.keys()
    rescaled, _, _ = recalibrate(head, mixed, encoders.read(mixed.texts), rescale=True)
    assert 0 < rescaled.temperature < 8


def test_a_label_that_the_model_does_not_know_cannot_calibrate_it():
    head, encoders = letters_head()
    other = examples(("aaa", ["z"]), ("bbb", ["b"]))
    with pytest.raises(TrainingError, match="label 'z' is none of the model's: a, b, c"):
        recalibrate(head, other, encoders.read(other.texts), rescale=True)
