"""`asks`: what a request asks for, as marks that the models task, risk, uncertainty and the like are read from.

One head for all, on the transformer's vector, the static table's vectors of a text's parts (`heads/wording.py`) and the
surface. Its labels are derived (`corpora/asked.py`), so its scores are scores and no probabilities: nothing is calibrated.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from forebay_models.build.classifiers.finding import Finding, Model, Split
from forebay_models.build.classifiers.made import Made, read_parts, read_surface, table
from forebay_models.build.classifiers.patterns import PATTERNS, risk_of, task_of
from forebay_models.build.corpora.asked import FIELDS, FLAGS, TASKS, Asked, read_asked, read_judged
from forebay_models.build.corpora.text import share
from forebay_models.build.metrics import auroc_figure, auroc_gain, gain, mean
from forebay_models.build.mixture import Material
from forebay_models.build.vectors import Vectors
from forebay_models.heads.fit import Floats, Recipe, fit, narrow
from forebay_models.heads.head import HeadManifest, Reading, Source, join
from forebay_models.heads.marks import THRESHOLD, level_of, weigh_risk
from forebay_models.heads.surface import VERSION as SURFACE

NAME = "asks"
HELD_SHARE = 0.15
LEFT_OUT = {"CLINC150": ("CLINC150",), "LLMRouter and MMLU-Pro": ("LLMRouter", "MMLU-Pro"), "synthetic": ("synthetic",)}
"""Name of a fold -> the sources that it has not seen."""
LEAST = 30
"""Rows with a mark, and without it, below which nothing is measured, or was learnt."""
MOST = 2_000
"""Rows of a figure: a bootstrap over more takes minutes and moves the third digit."""
JUDGED = {
    "ambiguous": ("uncertainty", "ambiguous"), "checkable": ("factuality", "checkable"), "retrieve": ("needsRetrieval",) * 2,
    "tools": ("needsTools",) * 2, "think": ("reasoning", "profits"),
}  # fmt: skip
"""Mark -> model, and the label that it is the score of."""
MARKS = (*TASKS, "gibberish", *FIELDS, *FLAGS)
RECIPE = Recipe(decay=1e-3, epochs=16, hidden=64, smoothing=0.02, members=4)
RANK = 64
"""Columns that the networks' inputs go through: a third of the bytes, and the same answers on the developed-on prompts."""
SOURCES = (
    Source("CLINC150", "CC-BY-3.0"),
    Source("BANKING77", "CC-BY-4.0"),
    Source("LLMRouter queries (training split)", "MIT"),
    Source("MMLU-Pro", "Apache-2.0"),
    Source("WildGuard benign (in PIGuard)", "MIT"),
    Source("synthetic, by grammar (build/corpora/synthetic/asks)", "Apache-2.0"),
)


def rows_of(material: Material) -> list[Asked]:
    benign = [sample.text for sample in material.injection if sample.source == "wildguard"]
    return read_asked(material.clinc, material.banking, material.queries, material.questions, benign)


def read(vectors: Vectors, texts: Sequence[str]) -> Reading:
    return Reading(vectors.of(texts, NAME), read_parts(texts), read_surface(texts))


def holds(row: Asked) -> bool:
    """Left out of every fit, to measure in distribution."""
    return share(row.text, NAME) < HELD_SHARE


def make(rows: Sequence[Asked], vectors: Vectors, recipe: Recipe = RECIPE) -> Made:
    rows = [row for row in rows if not holds(row)]
    values = join(read(vectors, [row.text for row in rows]))
    targets = np.array([[mark in row.marks for mark in MARKS] for row in rows], np.float32)
    known = np.array([[mark not in row.open for mark in MARKS] for row in rows], np.float32)
    weights = weigh(rows)
    arrays = narrow(fit(values, targets, "Several", recipe, weights, known), values, RANK, weights)
    manifest = HeadManifest(
        name=NAME,
        choice="Several",
        encoder=vectors.encoder.digest,
        static=table().digest,
        wording=True,
        labels=MARKS,
        threshold=0.5,
        surface=SURFACE,
        max_tokens=vectors.encoder.max_tokens,
        sources=SOURCES,
    )
    return Made(manifest, arrays)


def weigh(rows: Sequence[Asked]) -> Floats:
    """A family of n rows counts as the root of n: neither do large ones drown small ones, nor the other way round."""
    sizes = Counter((row.source, row.family) for row in rows)
    return np.array([sizes[row.source, row.family] ** -0.5 for row in rows], np.float32)


def measure(rows: Sequence[Asked], vectors: Vectors, made: Made) -> list[Finding]:
    """On hand-written prompts, by halves; on held-out rows; and on sources that a fold has not seen. `reference` are the
    patterns that shipped before, `baseline` is the commonest label."""
    findings = [*_on_judged(made, vectors, 1, "counted"), *_on_judged(made, vectors, 0, "developed on")]
    findings += _by_mark(
        made, vectors, [row for row in rows if holds(row)], "held-out 15 %", "in-distribution", "shipped"
    )
    for name, sources in LEFT_OUT.items():
        others = [row for row in rows if row.source not in sources]
        taught = Counter(mark for row in others for mark in row.marks)
        own = [row for row in rows if row.source in sources]
        learnt = [mark for mark in MARKS if taught[mark] >= LEAST]
        findings += _by_mark(make(others, vectors), vectors, own, f"{name}, left out", "left out", "fold", learnt)
    return findings


def marks_of(made: Made, vectors: Vectors, texts: Sequence[str]) -> dict[str, Floats]:
    scores = made.head.probabilities(read(vectors, texts))
    return {mark: scores[:, at] for at, mark in enumerate(MARKS)}


def _on_judged(made: Made, vectors: Vectors, half: int, name: str) -> list[Finding]:
    chosen = read_judged()[half::2]
    texts = [row["text"] for row in chosen]
    marks = marks_of(made, vectors, texts)
    names = (*TASKS, "gibberish")
    best = np.stack([marks[each] for each in names]).argmax(axis=0)
    told = [names[at] if names[at] != "gibberish" else "unknown" for at in best]
    levels = [level_of(*weigh_risk({mark: float(marks[mark][at]) for mark in MARKS})) for at in range(len(texts))]
    where = f"{len(texts)} hand-written prompts, {name}"
    findings = [
        _compare("task", where, told, [task_of(text) for text in texts], [row["task"] for row in chosen]),
        _compare("risk", where, levels, [risk_of(text) for text in texts], [row["risk"] for row in chosen]),
    ]
    for mark, (model, label) in JUDGED.items():
        truth = [row[model] for row in chosen]
        other = next(each for each in ("clear", "free", "selfContained", "textOnly", "direct") if each in truth)
        ours = [label if score >= THRESHOLD else other for score in marks[mark]]
        theirs = [label if PATTERNS[mark](text) >= 1 else other for text in texts]
        findings.append(_compare(model, where, ours, theirs, truth))
        attacks = np.array([each == label for each in truth])
        old = np.array([PATTERNS[mark](text) for text in texts], np.float32)
        findings.append(_ranking(f"{model}: AUROC, {where}", "left out", "shipped", attacks, marks[mark], old))
    return findings


def _compare(model: str, where: str, ours: list[str], theirs: list[str], truth: list[str]) -> Finding:
    common = Counter(truth).most_common(1)[0][0]

    def hits(told: Sequence[str]) -> Floats:
        return np.array([each in right.split("|") for each, right in zip(told, truth, strict=True)], np.float32)

    right, old, trivial = hits(ours), hits(theirs), hits([common.split("|")[0]] * len(truth))
    return Finding(
        f"{model}: accuracy, {where}", "left out", "shipped", len(truth), mean(right), None, ("patterns", mean(old)),
        ("commonest label", mean(trivial)), (gain(right, old), gain(right, trivial)),
    )  # fmt: skip


def _by_mark(
    made: Made,
    vectors: Vectors,
    rows: Sequence[Asked],
    where: str,
    split: Split,
    model: Model,
    marks: Sequence[str] = MARKS,
) -> list[Finding]:
    rows = rows[:: -(-len(rows) // MOST)]
    scores = marks_of(made, vectors, [row.text for row in rows])
    findings = []
    for mark in marks:
        known = np.array([mark not in row.open for row in rows])
        truth = np.array([mark in row.marks for row in rows])[known]
        if mark not in PATTERNS or not LEAST <= truth.sum() <= len(truth) - LEAST:
            continue
        texts = [row.text for row, is_known in zip(rows, known, strict=True) if is_known]
        old = np.array([PATTERNS[mark](text) for text in texts], np.float32)
        findings.append(_ranking(f"{mark}: AUROC, {where}", split, model, truth, scores[mark][known], old))
    return findings


def _ranking(what: str, split: Split, model: Model, truth: np.ndarray, ours: Floats, theirs: Floats) -> Finding:
    return Finding(
        what, split, model, len(truth), auroc_figure(ours, truth), None, ("patterns", auroc_figure(theirs, truth)), None,
        (auroc_gain(ours, theirs, truth), None),
    )  # fmt: skip
