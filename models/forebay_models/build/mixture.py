"""What the heads learn from, read once, and what each fold leaves out.

A fold measures what carries over and never ships: fold `a` has seen no text of s-labs, fold `b` none of neuralchemy.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from forebay_models.build.corpora import attacks
from forebay_models.build.corpora.attacks import Sample
from forebay_models.build.corpora.documents import Document, read_answers
from forebay_models.build.corpora.pages import read_pages
from forebay_models.build.corpora.queries import read_queries
from forebay_models.build.corpora.questions import Question, Routed, read_questions, read_routed
from forebay_models.build.corpora.synthetic import benign, everyday, hostile, planted
from forebay_models.build.corpora.synthetic.briefings import briefings
from forebay_models.build.corpora.synthetic.commands import commands
from forebay_models.build.corpora.synthetic.disguise import disguise
from forebay_models.build.corpora.synthetic.handed import ABOUT_PAGES, ABOUT_PROGRAMS, handed
from forebay_models.build.corpora.synthetic.results import results
from forebay_models.build.corpora.text import Near, first_of_each, share
from forebay_models.build.datasets import Dataset, read_banking77, read_clinc150

SEED: Final = 7
DOMAINS: Final = (
    "biology", "business", "chat", "chemistry", "computer science", "economics", "engineering", "health", "history",
    "law", "math", "other", "philosophy", "physics", "psychology",
)  # fmt: skip
SMALL_TALK: Final = (
    "greeting", "goodbye", "thank_you", "tell_joke", "what_are_your_hobbies", "how_old_are_you", "where_are_you_from",
    "what_is_your_name", "who_made_you", "who_do_you_work_for", "do_you_have_pets", "are_you_a_bot", "meaning_of_life",
    "fun_fact", "what_can_i_ask_you",
)  # fmt: skip
FOLDS: Final = {
    "shipped": frozenset[str](),
    "a": frozenset(("s-labs",)),
    "b": frozenset(("neuralchemy",)),
}
CALIBRATE_SHARE: Final = 0.15
QUERIES: Final = 120
"""LLMRouter queries of each task."""
CARRIED: Final = 900
GARBLED: Final = 400
LONGEST_PART: Final = 2_000
LEAST, SHORT = 25, 220
"""Letters of an attack that is planted in a document."""
PAGE: Final = "page"
"""The kind of documents, with and without an attack in them."""
HANDED: Final = 420
"""Requests with a program behind them, and as many with a page."""
BORROWED: Final = 0.35
"""Of documents in which an attack of a public set is planted, the others hold one of our own."""
PROGRAMS: Final = frozenset(
    ("python-functions", "python", "go", "javascript", "c", "java-lua-ts", "shell", "query", "trace", "change")
)
# Plain harmful requests that the set files under attacks: nothing in their form is an attack.
MERELY_HARMFUL: Final = ("harmbench/", "wildguard_judgecomp/")


@dataclass(frozen=True, slots=True)
class Material:
    """All that is read from the data folder once. `injection` holds training rows, near copies of test rows dropped;
    those with `share(text, "injection") < CALIBRATE_SHARE` calibrate and train nothing."""

    routed: list[Routed]
    questions: list[Question]
    clinc: Dataset
    banking: Dataset
    queries: dict[str, list[str]]
    injection: list[Sample]


def read_material(data: Path, documents: Sequence[Document]) -> Material:
    """From the folder of public data, and `documents` of packages: without those the rows of `injection` are fewer."""
    routed = read_routed(data)
    questions = read_questions(data, routed)
    clinc, banking = read_clinc150(data), read_banking77(data)
    queries = read_queries(data)
    injection = _injection(data, documents, questions, clinc, banking, queries)
    return Material(routed, questions, clinc, banking, queries, injection)


def _injection(
    data: Path,
    documents: Sequence[Document],
    questions: list[Question],
    clinc: Dataset,
    banking: Dataset,
    queries: dict[str, list[str]],
) -> list[Sample]:
    chance = random.Random(SEED)
    measured = [*attacks.read_piguard(data), *attacks.read_xstest(data), *attacks.read_jailbreaks(data)]
    near = Near(sample.text for sample in measured)
    published = [
        *attacks.read_s_labs(data, "train"),
        *attacks.read_neuralchemy(data, "train"),
        *attacks.read_yanismiraoui(data),
        *attacks.read_wildguard(data),
    ]
    asked = [question.text for question in questions if question.part == "train"]
    spoken = [*clinc.train.texts, *banking.train.texts]
    plain = [*chance.sample(asked, 1_200), *chance.sample(spoken, 1_800)]
    made = list(benign.sentences(SEED))
    harmless = [*made, *chance.sample(asked, 3_000), *chance.sample(spoken, 1_000)]
    samples = [
        *published,
        *(Sample(text, 0, "plain") for text in plain),
        *(Sample(text, 0, "plain", task) for task, texts in queries.items() for text in texts[:QUERIES]),
        *(Sample(text, 0, "synthetic", "fragment") for text in everyday.fragments(SEED)),
        *(Sample(text, 0, "synthetic", "foreign") for text in everyday.foreign(SEED)),
        *(Sample(text, 0, "synthetic", "command") for text in commands(SEED)),
        *(Sample(text, 0, "synthetic", "benign") for text in made),
        *(Sample(text, 0, "synthetic", "document") for text in benign.documents(harmless, 1_300, SEED)),
        *(Sample(text, 1, "synthetic", "short") for text in hostile.short(SEED)),
        *(Sample(text, 1, "synthetic", "long") for text in hostile.long(SEED, 1_300)),
        *(Sample(text, 1, "synthetic", "carried") for text in hostile.carried(harmless, SEED, 1_300)),
    ]
    short_attacks = [each for each in samples if each.attack and len(each.text) < 160]
    short_benign = [each for each in samples if not each.attack and len(each.text) < 160]
    for group, count in ((short_attacks, 900), (short_benign, 900)):
        samples += [
            Sample(disguise(each.text, chance), each.attack, each.source, "disguised")
            for each in chance.sample(group, count)
        ]
    samples += _told([text for text in harmless if len(text) < LONGEST_PART])
    samples += _brought(data, documents, published)
    samples = [samples[row] for row in first_of_each([sample.text for sample in samples])]
    return [sample for sample in samples if sample.text.strip() and sample.text not in near]


def _told(harmless: list[str]) -> list[Sample]:
    """What tells assistants their job or speaks about them, and orders that are planted beside it: by a chance of their own, so
    that all else stays what it was."""
    chance = random.Random(SEED)
    calm, hostile_ = list(briefings(SEED)), list(planted.planted(SEED))
    notes, hosts = planted.orders(SEED, 500), [*harmless, *calm]
    samples = [
        *(Sample(text, 0, "synthetic", "briefing") for text in calm),
        *(Sample(text, 1, "synthetic", "planted") for text in hostile_),
    ]
    for _ in range(CARRIED):
        parts = [chance.choice(hosts) for _ in range(chance.randint(1, 5))]
        parts.insert(chance.randint(0, len(parts)), chance.choice(notes))
        samples.append(Sample(chance.choice(("\n", "\n\n", " ")).join(parts), 1, "synthetic", "carried"))
    for group, attack in ((calm, 0), (hostile_, 1)):
        chosen = chance.sample([text for text in group if len(text) < 200], GARBLED)
        samples += [Sample(planted.garble(text, chance), attack, "synthetic", "garbled") for text in chosen]
    pages = read_pages()
    lies = [*notes, *(text for text in hostile_ if len(text) < 160)]
    samples += [Sample(text, 0, "synthetic", PAGE) for text in pages]
    samples += [Sample(planted.plant(text, chance.choice(lies), chance), 1, "synthetic", PAGE) for text in pages]
    return samples


def _brought(data: Path, documents: Sequence[Document], published: list[Sample]) -> list[Sample]:
    """What tools and people hand to an assistant, and the same with an attack planted in it. An attack that was borrowed from a public
    set belongs to that set, so that the fold which leaves the set out leaves it out, too."""
    kinds = [(each.text, each.kind) for each in documents] + [(text, kind) for kind, text in results(SEED)]
    programs = [text for text, kind in kinds if kind in PROGRAMS]
    pages = [text for text, kind in kinds if kind not in PROGRAMS]
    texts = [
        *programs,
        *pages,
        *read_answers(data, SEED),
        *handed(ABOUT_PROGRAMS, programs, HANDED, SEED),
        *handed(ABOUT_PAGES, pages, HANDED, SEED),
    ]
    own = [
        Sample(text, 1, "synthetic")
        for text in (*planted.orders(SEED, 500), *hostile.short(SEED), *planted.planted(SEED))
    ]
    own = [each for each in own if len(each.text) < SHORT]
    borrowed = [
        each
        for each in published
        if each.attack
        and LEAST < len(each.text) < SHORT
        and each.text.isascii()
        and not each.kind.startswith(MERELY_HARMFUL)
    ]
    samples = [Sample(text, 0, "synthetic", PAGE) for text in texts]
    for text in texts:
        # By the text, so that a document more or less changes no other.
        chance = random.Random(f"{SEED} {text}")
        lie = chance.choice(borrowed if chance.random() < BORROWED else own)
        samples.append(Sample(planted.plant(text, lie.text.strip(), chance), 1, lie.source, PAGE))
    return samples


def calibrates(sample: Sample) -> bool:
    return share(sample.text, "injection") < CALIBRATE_SHARE


def injection_weight(sample: Sample) -> float:
    return 0.3 if sample.attack and sample.kind.startswith(MERELY_HARMFUL) else 1.0


def small_talk(material: Material) -> list[str]:
    """Texts for the domain `chat`: part of CLINC150's small talk."""
    pairs = zip(material.clinc.train.texts, material.clinc.train.labels, strict=True)
    return [text for text, label in pairs if label in SMALL_TALK and share(text, "chat") < 0.4]
