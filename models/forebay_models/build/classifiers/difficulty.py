"""`difficulty`: the probability that a small model fails where a large one does not.

Fitted on RouteLLM's MMLU table (Mixtral-8x7B against GPT-4-1106), each question with its options, as it was asked. Which
domain a question is from says more about the two models than about the question, so every figure leaves whole domains
out: 14 heads, each fitted on the other 13 domains, none of which ships.
"""

import numpy as np

from forebay_models.build.classifiers.finding import Finding
from forebay_models.build.classifiers.made import Made, read
from forebay_models.build.corpora.questions import Routed
from forebay_models.build.corpora.text import share
from forebay_models.build.metrics import apgr, apgr_figure, apgr_gain
from forebay_models.build.mixture import Material
from forebay_models.build.vectors import Vectors
from forebay_models.heads.calibrate import fit_isotonic, reliability
from forebay_models.heads.fit import Floats, Recipe, fit, logits_of, squash
from forebay_models.heads.head import HeadManifest, Source, join
from forebay_models.heads.surface import NAMES, VERSION
from forebay_models.heads.train import cross_fit

RECIPE = Recipe(decay=1e-2, epochs=5)
CALIBRATE_SHARE = 0.15
REFERENCE = Recipe()
LABELS = ("small", "large")
SOURCES = (Source("RouteLLM, MMLU responses", "Apache-2.0"),)


def gains(routed: list[Routed]) -> Floats:
    """1 where the large model alone is right, 0 where it makes no difference or the small one alone is."""
    return np.array([float(row.strong and not row.weak) for row in routed], np.float32)


def values_of(routed: list[Routed], vectors: Vectors) -> Floats:
    return join(read(vectors, [row.prompt for row in routed], "difficulty", static=False))


def fit_balanced(values: Floats, targets: Floats, recipe: Recipe = RECIPE) -> dict[str, Floats]:
    """A linear head on the vector, and beside it the log of the prompt's length, both of equal weight: on its own, either
    says about as much, and a fit on both would let 384 columns drown one. The spread of the vector's part is taken from
    cross-fitting, since a head spreads the rows it was fitted on too far."""
    width = values.shape[1] - len(NAMES)
    vectors, length = values[:, :width], values[:, width + NAMES.index("letters")]
    arrays = fit(vectors, targets[:, None], "Binary", recipe)
    binary = np.stack([1 - targets, targets], axis=1)
    outside = cross_fit(vectors, binary, "One", recipe)
    spread = float((outside[:, 1] - outside[:, 0]).std())
    weight = np.zeros((values.shape[1], 1), np.float32)
    weight[:width] = arrays["weight"] / np.float32(max(spread, 1e-6))
    weight[width + NAMES.index("letters")] = 1 / np.float32(max(float(length.std()), 1e-6))
    raw = values @ weight
    # Brought to the scale of a logit, so that the sigmoid does not flatten either end.
    scale = np.float32(0.5 / max(float(raw.std()), 1e-6))
    bias = np.array([np.log(targets.mean() / (1 - targets.mean()))], np.float32) - scale * raw.mean(axis=0)
    return {"weight": weight * scale, "bias": bias.astype(np.float32)}


def left_out(values: Floats, targets: Floats, groups: np.ndarray, *, balanced: bool = True) -> Floats:
    """Each row's logit by a head that was fitted without its group."""
    result = np.zeros(len(values), np.float32)
    for group in np.unique(groups):
        own = groups == group
        if balanced:
            arrays = fit_balanced(values[~own], targets[~own])
        else:
            arrays = fit(values[~own], targets[~own][:, None], "Binary", REFERENCE)
        result[own] = logits_of(arrays, values[own])[:, 0]
    return result


def make(material: Material, vectors: Vectors) -> Made:
    values, targets = values_of(material.routed, vectors), gains(material.routed)
    held = np.array([share(row.prompt, "difficulty") < CALIBRATE_SHARE for row in material.routed])
    arrays = fit_balanced(values[~held], targets[~held])
    raw = squash(logits_of(arrays, values[held]), "Binary")[:, 0]
    even = np.arange(len(raw)) % 2 == 0
    knots = fit_isotonic(raw[even], targets[held][even])
    arrays["knots"] = knots
    calm = np.interp(raw, knots[0], knots[1]).astype(np.float32)
    low, high = (round(float(np.quantile(calm, share_below)), 4) for share_below in (0.4, 0.8))
    manifest = HeadManifest(
        name="difficulty",
        choice="Binary",
        encoder=vectors.encoder.digest,
        labels=LABELS,
        threshold=high,
        calibrated=True,
        bands=(low, high),
        surface=VERSION,
        max_tokens=vectors.encoder.max_tokens,
        sources=SOURCES,
        quality={"calibrateEce": round(reliability(calm[~even], targets[held][~even]).error, 4)},
    )
    return Made(manifest, arrays)


def measure(material: Material, vectors: Vectors) -> tuple[list[Finding], dict[str, Floats], Floats, Floats]:
    """The finding, the scores by name, and the correctness of the two models; every score is of a fold."""
    routed = material.routed
    weak = np.array([row.weak for row in routed], np.float32)
    strong = np.array([row.strong for row in routed], np.float32)
    domains = np.array([row.domain for row in routed])
    values, targets = values_of(routed, vectors), gains(routed)
    ours = left_out(values, targets, domains)
    linear = left_out(values[:, : vectors.encoder.dimensions], targets, domains, balanced=False)
    length = np.array([len(row.prompt) for row in routed], np.float32)
    finding = Finding(
        "difficulty: APGR on RouteLLM's MMLU table, whole domains left out", "left out", "fold", len(routed),
        apgr_figure(ours, weak, strong), 0.63,
        ("linear head", apgr_figure(linear, weak, strong)), ("prompt length", apgr_figure(length, weak, strong)),
        (apgr_gain(ours, linear, weak, strong), apgr_gain(ours, length, weak, strong)),
    )  # fmt: skip
    subjects = np.array([row.subject for row in routed])
    easier = left_out(values, targets, subjects)
    known = np.array([float((strong - weak)[domains == domain].mean()) for domain in domains], np.float32)
    others = [
        Finding("difficulty: the same, single subjects left out of 57", "left out", "fold", len(routed), apgr_figure(easier, weak, strong)),
        Finding("an upper bound: each domain's own mean, known", "in-distribution", "fold", len(routed), apgr_figure(known, weak, strong)),
    ]  # fmt: skip
    return [finding, *others], {"this head": ours, "linear head": linear, "prompt length": length}, weak, strong


def learning_curve(material: Material, vectors: Vectors) -> list[str]:
    """APGR with whole domains left out, by share of the other domains' rows."""
    routed = material.routed
    weak = np.array([row.weak for row in routed], np.float32)
    strong = np.array([row.strong for row in routed], np.float32)
    domains = np.array([row.domain for row in routed])
    values, targets = values_of(routed, vectors), gains(routed)
    kept = np.array([share(row.prompt, "curve") for row in routed])
    lines = ["| share of training rows | APGR |", "|---|---|"]
    for part in (0.125, 0.25, 0.5, 1.0):
        scored = np.zeros(len(values), np.float32)
        for domain in np.unique(domains):
            own = domains == domain
            rows = ~own & (kept < part)
            scored[own] = logits_of(fit_balanced(values[rows], targets[rows]), values[own])[:, 0]
        lines.append(f"| {part:.3g} | {apgr(scored, weak, strong):.3f} |")
    return lines
