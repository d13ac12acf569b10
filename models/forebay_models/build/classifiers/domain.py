"""`domain`: the 14 domains of MMLU-Pro, and `chat` for small talk.

Fitted on 70 % of MMLU-Pro's questions, half of them with their options, and part of CLINC150's small talk; calibrated on
10 %; measured on 20 % and on those of RouteLLM's MMLU questions that MMLU-Pro lacks.
"""

import numpy as np

from forebay_models.build.classifiers.made import Made, one_hot, surfaces
from forebay_models.build.corpora.questions import Question
from forebay_models.build.corpora.text import share
from forebay_models.build.training.mixture import DOMAINS, SMALL_TALK, Material, small_talk
from forebay_models.build.vectors import Vectors
from forebay_models.heads.calibrate import fit_temperature, reliability
from forebay_models.heads.fit import Floats, Recipe, fit, inputs, logits_of, squash
from forebay_models.heads.head import HeadManifest, Source
from forebay_models.heads.surface import VERSION

RECIPE = Recipe(decay=1e-3, hidden=128, epochs=10, smoothing=0.05)
SOURCES = (Source("MMLU-Pro", "Apache-2.0"), Source("CLINC150", "CC-BY-3.0"))
CONFIDENT = 0.5


def text_of(question: Question) -> str:
    """With its options for half of the questions, by their text."""
    return question.whole if share(question.text, "options") < 0.5 else question.text


def chat_texts(material: Material, part: str) -> list[str]:
    """Small talk: `train` as the encoder's lessons, `calibrate` others of the training split, `test` of the test split."""
    if part == "train":
        return small_talk(material)
    if part == "test":
        pairs = zip(material.clinc.test.texts, material.clinc.test.labels, strict=True)
        return [text for text, label in pairs if label in SMALL_TALK]
    pairs = zip(material.clinc.train.texts, material.clinc.train.labels, strict=True)
    return [text for text, label in pairs if label in SMALL_TALK and 0.4 <= share(text, "chat") < 0.5]


def rows_of(material: Material, part: str, without_leaks: bool) -> tuple[list[str], np.ndarray]:
    chosen = [q for q in material.questions if q.part == part and not (without_leaks and q.leaked)]
    talk = chat_texts(material, part)
    texts = [*(text_of(question) for question in chosen), *talk]
    labels = [*(DOMAINS.index(question.domain) for question in chosen), *(DOMAINS.index("chat") for _ in talk)]
    return texts, np.array(labels)


def make(material: Material, vectors: Vectors, *, without_leaks: bool = False, recipe: Recipe = RECIPE) -> Made:
    def load(part: str) -> tuple[Floats, np.ndarray]:
        texts, labels = rows_of(material, part, without_leaks)
        return inputs(vectors.of(texts, f"domain {part}"), surfaces(texts)), labels

    values, labels = load("train")
    arrays = fit(values, one_hot(labels, len(DOMAINS)), "One", recipe)
    held, held_labels = load("calibrate")
    logits = logits_of(arrays, held)
    temperature = fit_temperature(logits, one_hot(held_labels, len(DOMAINS)), "One")
    beliefs = squash((logits / temperature).astype(np.float32), "One")
    hits = (beliefs.argmax(axis=1) == held_labels).astype(np.float32)
    error = reliability(beliefs.max(axis=1), hits).error
    manifest = HeadManifest(
        name="domain",
        choice="One",
        encoder=vectors.encoder.digest,
        labels=DOMAINS,
        threshold=CONFIDENT,
        temperature=temperature,
        calibrated=True,
        surface=VERSION,
        max_tokens=vectors.encoder.max_tokens,
        sources=SOURCES,
        quality={"calibrateAccuracy": round(float(hits.mean()), 4), "calibrateEce": round(error, 4)},
    )
    return Made(manifest, arrays)
