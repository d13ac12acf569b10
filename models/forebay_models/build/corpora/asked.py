"""Requests with marks of what they ask for: derived from public sets by the source's own labels, and made by grammar.

No public set labels task, risk, ambiguity, checking, retrieval, tools or reasoning. What a source's labels imply is
written down here, row by row nobody has judged it; a mark that a source implies nothing about is left open.
"""

import csv
import io
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from forebay_models.build.corpora.questions import Question
from forebay_models.build.corpora.synthetic.asks.english import FAMILIES, SLOTS
from forebay_models.build.corpora.synthetic.asks.foreign import TONGUES
from forebay_models.build.corpora.synthetic.asks.passages import PASSAGES
from forebay_models.build.corpora.synthetic.benign import ROLES
from forebay_models.build.corpora.synthetic.grammar import several
from forebay_models.build.corpora.text import Near, first_of_each
from forebay_models.build.datasets import Dataset

TASKS: Final = ("code", "summarize", "search", "tooling", "chat")
FIELDS: Final = ("money", "health", "law", "minors", "danger", "irreversible")
FLAGS: Final = ("ambiguous", "checkable", "retrieve", "tools", "think")
MARKS: Final = frozenset((*TASKS, *FIELDS, *FLAGS, "gibberish"))


@dataclass(frozen=True, slots=True)
class Asked:
    """`marks` hold; of those in `open` nobody knows; all others do not hold."""

    text: str
    source: str
    family: str
    marks: frozenset[str]
    open: frozenset[str] = frozenset()


def _open(*names: str) -> frozenset[str]:
    return frozenset(names)


# CLINC150's intents -> marks. What stands in no line is left out.
INTENTS: Final[Mapping[str, str]] = {
    "tooling tools": (
        "alarm book_hotel book_flight calendar_update cancel_reservation car_rental change_accent change_ai_name change_language change_speed change_user_name "
        "change_volume confirm_reservation find_phone make_call meeting_schedule next_song order pin_change play_music pto_request reminder reminder_update reset_settings "
        "restaurant_reservation schedule_maintenance schedule_meeting share_location shopping_list_update smart_home sync_device text timer todo_list_update uber update_playlist "
        "whisper_mode accept_reservations travel_notification flip_coin roll_dice order_checks"
    ),
    "tooling tools money": "new_card redeem_rewards replacement_card_duration damaged_card insurance_change credit_limit_change direct_deposit rollover_401k report_lost_card report_fraud",
    "tooling tools money irreversible": "pay_bill transfer freeze_account",
    "tooling tools retrieve": (
        "calendar shopping_list todo_list order_status pto_balance pto_used pto_request_status application_status last_maintenance oil_change_when current_location lost_luggage"
    ),
    "tooling tools retrieve money": "balance bill_balance bill_due transactions spending_history rewards_balance credit_limit min_payment account_blocked card_declined credit_score payday income expiration_date",
    "search tools checkable retrieve": "weather traffic flight_status exchange_rate restaurant_reviews how_busy directions gas restaurant_suggestion next_holiday travel_alert",
    "chat": "are_you_a_bot do_you_have_pets goodbye greeting how_old_are_you meaning_of_life tell_joke thank_you what_are_your_hobbies what_can_i_ask_you what_is_your_name where_are_you_from who_do_you_work_for who_made_you translate",
    "chat checkable": "definition fun_fact recipe cook_time ingredient_substitution ingredients_list food_last travel_suggestion meal_suggestion plug_type jump_start oil_change_how tire_change carry_on spelling gas_type",
    "chat checkable health": "vaccines nutrition_info",
    "chat checkable law": "international_visa",
    "chat checkable money": "taxes improve_credit_score",
}  # fmt: skip
PER_INTENT: Final = 50
BANKING: Final = ("money", "checkable")
QUERIES: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "mbpp": ("code", _open("think")),
    "human_eval": ("code", _open("think", "ambiguous")),
    "gsm8k": ("chat think", _open("checkable", *FIELDS)),
    "agentverse-mgsm": ("chat think", _open("checkable", *FIELDS)),
    "math": ("chat think", _open("checkable")),
    "agentverse-logicgrid": ("chat think", frozenset()),
    "gpqa": ("chat think", _open("checkable", "health")),
    "natural_qa": ("chat checkable", _open("chat", "search", "retrieve", "tools", "law", "health", "money")),
    "trivia_qa": ("chat checkable", frozenset()),
    "commonsense_qa": ("chat", _open("checkable", "think")),
    "arc_challenge": ("chat checkable", _open("think")),
}
PER_TASK: Final = 250
# MMLU-Pro's domains -> marks. Exam questions of medicine and law are of these fields, and profit from thinking.
EXAMS: Final[Mapping[str, str]] = {
    "math": "chat think", "physics": "chat think", "engineering": "chat think", "chemistry": "chat think",
    "law": "chat think checkable law", "health": "chat checkable health", "history": "chat checkable",
}  # fmt: skip
PER_EXAM: Final = 200
TOLD: Final = ("history", "law", "health", "psychology", "business", "philosophy", "economics")
KEYS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "asdf", "jkl", "1234567890", "bcdfghjklmnpqrstvwxz", "#$%&*-=/")


def read_asked(
    clinc: Dataset,
    banking: Dataset,
    queries: Mapping[str, list[str]],
    questions: Sequence[Question],
    benign: Sequence[str],
    seed: int = 7,
) -> list[Asked]:
    """All rows, in a fixed order; texts near the hand-written set are left out."""
    judged = Near(row["text"] for row in read_judged())
    public = list(_public(clinc, banking, queries, questions, benign, seed))
    rows = [*public, *_made([*PASSAGES, *_passages(questions, banking, benign, seed)], seed)]
    kept = [rows[at] for at in first_of_each([row.text for row in rows])]
    return [row for row in kept if row.text.strip() and row.text not in judged]


def _public(
    clinc: Dataset,
    banking: Dataset,
    queries: Mapping[str, list[str]],
    questions: Sequence[Question],
    benign: Sequence[str],
    seed: int,
) -> Iterator[Asked]:
    chance = random.Random(seed)
    intents = {intent: marks for marks, names in INTENTS.items() for intent in names.split()}
    by_intent: dict[str, list[str]] = {}
    for text, label in zip(clinc.train.texts, clinc.train.labels, strict=True):
        by_intent.setdefault(label, []).append(text)
    for intent, marks in sorted(intents.items()):
        for text in chance.sample(by_intent[intent], PER_INTENT):
            yield Asked(text, "CLINC150", intent, _marks(marks), _open("ambiguous"))
    for text in chance.sample(list(banking.train.texts), 800):
        yield Asked(
            text,
            "BANKING77",
            "support",
            frozenset(BANKING),
            _open(*TASKS, "retrieve", "tools", "irreversible", "ambiguous"),
        )
    for task, (marks, unknown) in QUERIES.items():
        for text in chance.sample(queries[task], min(PER_TASK, len(queries[task]))):
            yield Asked(text, "LLMRouter", task, _marks(marks), unknown)
    for domain, marks in EXAMS.items():
        own = [question for question in questions if question.domain == domain and question.part == "train"]
        for question in chance.sample(own, PER_EXAM):
            text = question.text if chance.random() < 0.6 else question.whole
            yield Asked(text, "MMLU-Pro", domain, _marks(marks), _open("ambiguous", "money", "minors", "danger"))
    for text in chance.sample(list(benign), 500):
        yield Asked(text, "WildGuard", "benign", _marks("chat"), _open("checkable", "think", *FIELDS, "ambiguous"))


def _passages(questions: Sequence[Question], banking: Dataset, benign: Sequence[str], seed: int) -> Iterator[str]:
    """Texts that a request may bring along, of all matters: what they are about says nothing of what is asked."""
    chance = random.Random(seed)
    told = [question.text for question in questions if question.part == "train" and question.domain in TOLD]
    for texts, count in ((told, 250), (list(banking.train.texts), 150), (list(benign), 100)):
        for _ in range(count):
            words = " ".join(chance.sample(texts, 3)).replace("{", "(").replace("}", ")").split()
            yield " ".join(words[: chance.randint(25, 90)])


def _made(passages: Sequence[str], seed: int) -> Iterator[Asked]:
    for marks, count, templates in FAMILIES:
        for text in several({**SLOTS, "passage": passages, "start": templates}, "start", count, seed):
            yield _asked(text, "english", marks)
    for tongue, (slots, families) in TONGUES.items():
        for marks, count, templates in families:
            for text in several({**slots, "start": templates}, "start", count, seed):
                yield _asked(text, tongue, marks)
    for text in several(ROLES, "start", 400, seed):
        yield Asked(text, "synthetic", "roles", _marks("chat"), _open("checkable", "think", "health", "law", "money"))
    for text in gibberish(250, seed):
        yield Asked(text, "synthetic", "gibberish", _marks("gibberish ambiguous"))


def _asked(text: str, tongue: str, marks: str) -> Asked:
    """A mark behind a question mark is open."""
    unknown = frozenset(mark.removeprefix("?") for mark in marks.split() if mark.startswith("?"))
    held = " ".join(mark for mark in marks.split() if not mark.startswith("?"))
    return Asked(" ".join(text.split(" ")).strip(), "synthetic", f"{tongue} {marks}", _marks(held), unknown)


def gibberish(count: int, seed: int) -> Iterator[str]:
    """What cats and bored fingers type."""
    chance = random.Random(seed)
    for _ in range(count):
        keys = chance.choice(KEYS)
        words = ["".join(chance.choice(keys) for _ in range(chance.randint(2, 9))) for _ in range(chance.randint(1, 7))]
        if chance.random() < 0.2:
            words = [words[0]] * chance.randint(2, 4)
        yield " ".join(words)


def _marks(text: str) -> frozenset[str]:
    found = frozenset(text.split())
    if wrong := found - MARKS:
        raise ValueError(f"no such mark: {sorted(wrong)}")
    return found


def read_judged() -> list[dict[str, str]]:
    """The prompts that the project's author wrote and labelled by hand before any head was fitted."""
    text = files("forebay_models.build.corpora").joinpath("judged.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))
