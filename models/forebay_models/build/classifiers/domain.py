"""`domain`: the 14 domains of MMLU-Pro, and `chat` for small talk.

Fitted on 70 % of MMLU-Pro's questions, half of them with their options, on part of CLINC150's small talk, and on everyday
requests (programming tasks, sums, banking, errands), which exam questions are not; calibrated on 10 %; measured on 20 % and on those of RouteLLM's MMLU questions that MMLU-Pro lacks.
"""

import numpy as np

from forebay_models.build.classifiers.finding import Finding
from forebay_models.build.classifiers.made import Made, one_hot, read, table
from forebay_models.build.corpora.questions import Question
from forebay_models.build.corpora.text import key, share
from forebay_models.build.metrics import gain, mean
from forebay_models.build.mixture import DOMAINS, SMALL_TALK, Material, small_talk
from forebay_models.build.vectors import Vectors
from forebay_models.heads.calibrate import fit_temperature, reliability
from forebay_models.heads.fit import Floats, Recipe, fit, logits_of, squash
from forebay_models.heads.head import HeadManifest, Reading, Source, join
from forebay_models.heads.surface import VERSION

RECIPE = Recipe(decay=1e-3, hidden=128, epochs=10, smoothing=0.05)
SOURCES = (
    Source("MMLU-Pro", "Apache-2.0"),
    Source("CLINC150", "CC-BY-3.0"),
    Source("BANKING77", "CC-BY-4.0"),
    Source("LLMRouter queries (training split)", "MIT"),
)
CONFIDENT = 0.5
ERRANDS = frozenset(
    (
        "travel_suggestion", "book_flight", "book_hotel", "car_rental", "recipe", "restaurant_suggestion", "cook_time",
        "meal_suggestion", "play_music", "reminder", "todo_list", "shopping_list", "calendar", "directions", "traffic", "weather",
        "alarm", "timer", "text", "translate", "uber", "gas", "tire_change", "oil_change_how", "smart_home", "next_song",
        "flight_status", "lost_luggage", "vaccines", "plug_type", "travel_alert", "find_phone", "order", "schedule_maintenance",
    )
)  # fmt: skip


def text_of(question: Question) -> str:
    """With its options for half of the questions, by their text."""
    return question.whole if share(question.text, "options") < 0.5 else question.text


def chat_texts(material: Material, part: str) -> list[str]:
    """Small talk: `train` and `calibrate` are different rows of the training split, `test` is of the test split."""
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
    pairs = [(text_of(question), question.domain) for question in chosen] + [(text, "chat") for text in talk]
    if part != "test":
        pairs += [pair for pair in everyday(material) if (share(pair[0], "everyday") < 0.1) == (part == "calibrate")]
    return [text for text, _ in pairs], np.array([DOMAINS.index(domain) for _, domain in pairs])


def everyday(material: Material) -> list[tuple[str, str]]:
    """Requests that are no exam questions: programming tasks, sums, banking, and errands, which are `other`."""
    queries = material.queries
    pairs = [(text, "computer science") for task in ("mbpp", "human_eval") for text in queries[task][:250]]
    pairs += [(text, "math") for text in queries["gsm8k"][:150]]
    pairs += [(text, "business") for text in material.banking.train.texts if share(text, "domain") < 0.02]
    spoken = zip(material.clinc.train.texts, material.clinc.train.labels, strict=True)
    pairs += [(text, "other") for text, label in spoken if label in ERRANDS and share(text, "domain") < 0.15]
    return pairs


def make(material: Material, vectors: Vectors, *, without_leaks: bool = False, recipe: Recipe = RECIPE) -> Made:
    def load(part: str) -> tuple[Floats, np.ndarray]:
        texts, labels = rows_of(material, part, without_leaks)
        return join(read(vectors, texts, f"domain {part}")), labels

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
        static=table().digest,
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


PLAIN = Recipe()
"""The reference: a linear head on the vector alone."""


def _beliefs(made: Made, vectors: Vectors, texts: list[str], what: str) -> Floats:
    return made.head.probabilities(read(vectors, texts, what))


def reference(material: Material, vectors: Vectors) -> dict[str, Floats]:
    """The re-run reference on the same training rows."""
    texts, labels = rows_of(material, "train", False)
    return fit(join(Reading(vectors.of(texts, "domain train"))), one_hot(labels, len(DOMAINS)), "One", PLAIN)


def measure(material: Material, vectors: Vectors, made: Made) -> tuple[list[Finding], Floats, np.ndarray]:
    """Findings, and the test rows' beliefs and labels for charts."""
    plain = reference(material, vectors)

    def linear(texts: list[str], what: str) -> np.ndarray:
        found: np.ndarray = logits_of(plain, join(Reading(vectors.of(texts, what)))).argmax(axis=1)
        return found

    texts, labels = rows_of(material, "test", False)
    asked = labels != DOMAINS.index("chat")
    beliefs = _beliefs(made, vectors, texts, "domain test")
    hits = (beliefs.argmax(axis=1) == labels).astype(np.float32)
    others = (linear(texts, "domain test") == labels).astype(np.float32)
    common = int(np.bincount(labels[asked]).argmax())
    trivial = (labels == common).astype(np.float32)
    findings = [
        Finding(
            "domain: accuracy on MMLU-Pro, held-out 20 %", "in-distribution", "shipped", int(asked.sum()),
            mean(hits[asked]), 0.82,
            ("linear head", mean(others[asked])), ("commonest label", mean(trivial[asked])),
            (gain(hits[asked], others[asked]), gain(hits[asked], trivial[asked])),
        ),
        Finding(
            "domain: accuracy with `chat` (CLINC150 small talk, test)", "in-distribution", "shipped", len(hits),
            mean(hits), None, ("linear head", mean(others)), None, (gain(hits, others), None),
        ),
    ]  # fmt: skip
    known = {key(question.text)[:400] for question in material.questions}
    fresh = [row for row in material.routed if key(row.text)[:400] not in known]
    prompts = [row.prompt for row in fresh]
    right = np.array([DOMAINS.index(row.domain) for row in fresh])
    ours = (_beliefs(made, vectors, prompts, "RouteLLM prompts").argmax(axis=1) == right).astype(np.float32)
    theirs = (linear(prompts, "RouteLLM prompts") == right).astype(np.float32)
    base = (right == int(np.bincount(right).argmax())).astype(np.float32)
    findings.append(
        Finding(
            "domain: accuracy on RouteLLM's MMLU questions that MMLU-Pro lacks, subjects mapped", "left out", "shipped",
            len(fresh), mean(ours), 0.75, ("linear head", mean(theirs)), ("commonest label", mean(base)),
            (gain(ours, theirs), gain(ours, base)),
        )
    )  # fmt: skip
    return findings, beliefs, labels


def learning_curve(material: Material, vectors: Vectors) -> list[str]:
    """Accuracy on the calibration rows by share of the training rows."""
    texts, labels = rows_of(material, "train", False)
    values = join(read(vectors, texts, "domain train"))
    held, held_labels = rows_of(material, "calibrate", False)
    held_values = join(read(vectors, held, "domain calibrate"))
    order = np.random.default_rng(0).permutation(len(labels))
    lines = ["| training rows | accuracy, calibration rows |", "|---|---|"]
    for part in (0.125, 0.25, 0.5, 1.0):
        chosen = order[: int(part * len(order))]
        arrays = fit(values[chosen], one_hot(labels[chosen], len(DOMAINS)), "One", RECIPE)
        hits = logits_of(arrays, held_values).argmax(axis=1) == held_labels
        lines.append(f"| {len(chosen):,} | {hits.mean():.3f} |")
    return lines
