"""The classifier models that are rules: task, risk, uncertainty, factuality, needsRetrieval, needsTools, reasoning.

No public set labels these, so nothing is trained and nothing calibrated: each model is a list of English patterns over
the latest human turn, with the request's tools beside it, and its scores are 0, 0.5 or 1 (no sign, a weak one, a plain
one), never probabilities. What a pattern means stands beside it. Texts in other scripts, or without words, are unknown.
RE2 patterns: linear in the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from forebay_api.signal import Classifier
from forebay_decision.record import SignalRecord
from forebay_decision.request import RequestView
from forebay_decision.signals.detector import Texts
from forebay_decision.signals.regex import compile_linear
from forebay_decision.work import Skipped
from forebay_models.heads.reach import out_of_reach

SCOPE: Final = "LatestTurn"
SHORT_WORDS: Final = 4


def _any(*alternatives: str) -> Any:
    return compile_linear(rf"\b(?:{'|'.join(alternatives)})\b", case_sensitive=False)


CODE: Final = compile_linear(
    r"(?i)```|\b(?:python|javascript|typescript|java|rust|golang|c\+\+|c#|sql|bash|regex|kubernetes|docker|git|html|css|"
    r"traceback|stack ?trace|exception|compile[rsd]?|refactor|unit tests?|debug|function|method|class|variable|api|"
    r"endpoint|script|code|codebase|repo(?:sitory)?|bug|segfault|null pointer)\b|\b\w+\(\w*\)|\w+\.(?:py|js|ts|rs|go|java|cpp|sh)\b"
)
SUMMARISE: Final = _any(
    r"summari[sz]e", r"summary", r"tl;?dr", r"key (?:points|takeaways)", r"shorten", r"condense", r"abridge",
    r"in (?:one|two|three|\d+) (?:sentences?|bullet points?|words)", r"boil (?:\w+ )?down", r"main (?:points|ideas)",
)  # fmt: skip
SEARCH: Final = _any(
    r"search (?:for|the)", r"look up", r"find (?:me |out |sources|papers|articles|information)", r"latest (?:news|version|release|price)",
    r"google", r"browse", r"who won", r"current (?:price|weather|news|status|version)", r"what(?:'s| is) new", r"news about",
)  # fmt: skip
CHAT: Final = _any(
    r"hi", r"hello", r"hey", r"thanks?", r"thank you", r"how are you", r"good (?:morning|evening|night)", r"tell me a joke",
    r"what do you think", r"let'?s (?:talk|chat)", r"i feel", r"i'?m (?:sad|bored|happy|lonely)", r"who are you", r"your (?:name|favou?rite)",
)  # fmt: skip
ACTION: Final = _any(
    r"send", r"book", r"schedule", r"create (?:a |an )?(?:ticket|issue|event|meeting|reminder|branch|pull request)", r"open (?:a |an )?(?:ticket|issue)",
    r"delete", r"remove", r"update", r"deploy", r"restart", r"run", r"execute", r"call", r"order", r"buy", r"pay", r"transfer", r"post",
    r"upload", r"download", r"rename", r"move", r"fetch", r"read (?:the|my) (?:file|calendar|e-?mail|inbox)", r"check (?:my|the) (?:calendar|inbox|logs?|status)",
)  # fmt: skip
LIVE: Final = _any(
    r"today", r"tonight", r"right now", r"currently", r"as of", r"this (?:week|month|year|morning)", r"latest", r"recent(?:ly)?", r"up[- ]to[- ]date",
    r"yesterday", r"tomorrow", r"20(?:2[4-9]|3\d)", r"weather", r"stock price", r"exchange rate", r"score of", r"news",
)  # fmt: skip
OWN_SOURCES: Final = _any(
    r"according to", r"(?:our|my|the company'?s?|internal) (?:docs?|documents?|documentation|wiki|handbook|polic(?:y|ies)|contracts?|reports?|knowledge base|notes|files?|tickets?)",
    r"cite", r"citations?", r"with sources", r"source for", r"references?", r"which (?:page|section|document)", r"https?://\S+",
)  # fmt: skip
ATTACHED: Final = _any(
    r"(?:this|the|attached|following|above) (?:text|document|article|file|image|picture|code|table|e-?mail|paragraph|essay|function|error)",
    r"see (?:above|below|attached)", r"attached", r"below",
)  # fmt: skip
DEICTIC: Final = compile_linear(
    r"(?i)^\W*(?:(?:and|but|so|ok(?:ay)?|please|can you|could you|now|then)\W+)*(?:fix|do|explain|change|improve|continue|redo|try|use|make|translate|check|what about|why(?: is| does)?|how about|what does)?\W*(?:it|this|that|these|those|them|he|she|the same|one)\b"
)
FACT: Final = compile_linear(
    r"(?i)\b(?:who|when|where|which|whose|how (?:many|much|old|tall|far|long|big|often))\b[^?.]{3,}|\bwhat (?:is|are|was|were|year|country|percentage|date)\b|"
    r"\b(?:is it true|capital of|population of|invented|discovered|founded|died|born|statistics?|according to)\b"
)
EXACT: Final = _any(
    r"cite",
    r"sources?",
    r"evidence",
    r"statistics?",
    r"percent(?:age)?",
    r"date of",
    r"what year",
    r"how many",
    r"is it true",
    r"fact[- ]?check",
)
CREATIVE: Final = _any(
    r"poem", r"story", r"song", r"lyrics", r"joke", r"slogan", r"imagine", r"pretend", r"role ?play", r"brainstorm", r"name ideas",
    r"haiku", r"fiction(?:al)?", r"limerick", r"screenplay", r"translate", r"rewrite", r"rephrase", r"proofread",
)  # fmt: skip
HARD_THOUGHT: Final = compile_linear(
    r"(?i)\b(?:prove|proof|derive|derivation|step[- ]by[- ]step|optimi[sz]e|complexity|algorithm|trade-?offs?|root cause|why does|diagnose|"
    r"debug|plan (?:a|the|for|how)|strategy|compare|evaluate|analy[sz]e|solve|calculate|compute|integral|equation|theorem|probability|puzzle|riddle|"
    r"logic(?:al)?|contradiction|if and only if|how many ways|schedule .{0,40} such that|minimi[sz]e|maximi[sz]e|architect(?:ure)?|design (?:a|an|the))\b|\\(?:frac|int|sum)|[=≤≥]\s*-?\d"
)
LIGHT_THOUGHT: Final = compile_linear(
    r"(?i)\b(?:explain|why|how (?:does|do|would|should)|difference|pros and cons|consequences?|implications?)\b"
)
MONEY: Final = _any(
    r"payments?", r"pay", r"transfer", r"wire", r"invoice", r"refund", r"invest(?:ment|ing|or)?", r"loan", r"mortgage", r"tax(?:es)?", r"salary", r"bank account",
    r"credit card", r"insurance", r"stocks?", r"crypto(?:currency)?", r"pension",
)  # fmt: skip
HEALTH: Final = _any(
    r"diagnos\w+", r"symptoms?", r"dos(?:e|age)", r"medication", r"prescri\w+", r"side effects?", r"pregnan\w*", r"chest pain", r"overdose", r"suicid\w+", r"self[- ]harm",
    r"antibiotics?", r"insulin", r"blood pressure", r"surgery", r"mg", r"allerg\w+", r"depress\w*",
)  # fmt: skip
LAW: Final = _any(
    r"lawsuit", r"sue", r"contract", r"liab\w+", r"legal(?:ly)?", r"attorney", r"lawyer", r"divorce", r"custody", r"evict\w*", r"visa", r"immigration", r"gdpr", r"hipaa",
    r"copyright", r"patent", r"terminate (?:an?|the|my) (?:employee|lease)",
)  # fmt: skip
MINORS: Final = _any(
    r"my (?:son|daughter|child|kid|toddler|baby|infant)",
    r"\d{1,2}[- ]year[- ]old",
    r"minors?",
    r"under ?age",
    r"teenagers?",
    r"pupils?",
)
IRREVERSIBLE: Final = _any(
    r"delete", r"drop (?:the |a )?(?:table|database|collection)", r"rm -rf", r"wipe", r"purge", r"terminate", r"shut ?down", r"force[- ]push", r"format (?:the )?(?:disk|drive)",
    r"transfer (?:\S+ ){0,4}(?:dollars|euros|money|usd|eur|funds)", r"send (?:\S+ ){0,4}(?:payment|money|funds)", r"cancel (?:my|the|our) (?:account|subscription|contract|order)", r"deploy (?:\S+ ){0,3}production", r"fire (?:him|her|them)",
)  # fmt: skip
IRREVERSIBLE_TOOL: Final = compile_linear(
    r"(?i)(?:^|[_\W]|[a-z])(?:delete|drop|remove|destroy|purge|wipe|terminate|kill|pay|payment|transfer|refund|purchase|buy|order|send|publish|deploy|execute|shell|exec|revoke|cancel)(?:[_\W]|$|[A-Z])"
)


class Seen(msgspec.Struct, frozen=True):
    """What a judge looks at."""

    text: bytes
    view: RequestView

    def has(self, pattern: Any) -> bool:
        return pattern.search(self.text) is not None

    @property
    def few_words(self) -> bool:
        return len(self.text.split(None, SHORT_WORDS + 1)) <= SHORT_WORDS

    @property
    def first_turn(self) -> bool:
        return sum(turn.role == "user" for turn in self.view.turns) <= 1


class Judge(msgspec.Struct, frozen=True):
    """`labels` in the order in which ties are settled; `looks_for` are those that count as matched by default."""

    labels: tuple[str, ...]
    looks_for: tuple[str, ...]
    scores: Callable[[Seen], Mapping[str, float]]


def _weigh(plain: bool, weak: bool = False) -> float:
    return 1.0 if plain else 0.5 if weak else 0.0


def _task(seen: Seen) -> Mapping[str, float]:
    """Several at once. `tooling`: tools are offered and an action is asked for. `unknown` where nothing else shows."""
    found = {
        "code": _weigh(seen.has(CODE)),
        "summarize": _weigh(seen.has(SUMMARISE)),
        "search": _weigh(seen.has(SEARCH)),
        "tooling": _weigh(bool(seen.view.tools) and seen.has(ACTION), bool(seen.view.tools)),
    }
    found["chat"] = 0.0 if 1.0 in found.values() else _weigh(seen.has(CHAT))
    return found | {"unknown": 0.0 if 1.0 in found.values() else 1.0}


def _risk(seen: Seen) -> Mapping[str, float]:
    """High: an irreversible action with a tool that can do it, or two sensitive fields at once, minors among them.
    Medium: one sensitive field (money, health, law, minors), an irreversible action named, or such a tool offered."""
    fields = sum(seen.has(pattern) for pattern in (MONEY, HEALTH, LAW, MINORS))
    action = seen.has(IRREVERSIBLE)
    tool = any(IRREVERSIBLE_TOOL.search(name.encode()) is not None for name in seen.view.tools)
    level = "high" if (action and tool) or fields > 1 else "medium" if action or tool or fields else "low"
    return {each: float(each == level) for each in ("low", "medium", "high")}


def _uncertainty(seen: Seen) -> Mapping[str, float]:
    """Ambiguous: the first turn points at something that is not there ("fix it"), or says hardly anything."""
    absent = seen.first_turn and len(seen.text) < 200 and not seen.view.images
    pointing = absent and (seen.has(DEICTIC) or (seen.has(ATTACHED) and len(seen.text) < 80))
    score = _weigh(pointing, absent and seen.few_words)
    return {"clear": 1 - score, "ambiguous": score}


def _factuality(seen: Seen) -> Mapping[str, float]:
    """Needs checking: asks for a fact that can be right or wrong, and for no invention."""
    if seen.has(CREATIVE):
        score = 0.0
    else:
        score = _weigh(seen.has(FACT) and (seen.has(EXACT) or not seen.has(CODE)), seen.has(EXACT))
    return {"free": 1 - score, "checkable": score}


def _retrieval(seen: Seen) -> Mapping[str, float]:
    """Asks about what a model cannot have learnt: today's world, or documents that are the asker's own."""
    score = _weigh(seen.has(OWN_SOURCES) or seen.has(SEARCH), seen.has(LIVE))
    return {"selfContained": 1 - score, "needsRetrieval": score}


def _tools(seen: Seen) -> Mapping[str, float]:
    """Tools are offered and an action or live data is asked for; weaker, either alone."""
    wanted = seen.has(ACTION) or seen.has(LIVE)
    score = _weigh(wanted and bool(seen.view.tools), seen.has(LIVE) or bool(seen.view.tools))
    return {"textOnly": 1 - score, "needsTools": score}


def _reasoning(seen: Seen) -> Mapping[str, float]:
    """Profits from thinking: proofs, planning, comparison, calculation, causes; weaker: a bare why or how."""
    score = _weigh(seen.has(HARD_THOUGHT), seen.has(LIGHT_THOUGHT) and len(seen.text) > 80)
    return {"direct": 1 - score, "profits": score}


JUDGES: Final[Mapping[str | None, Judge]] = {
    "task": Judge(
        ("code", "summarize", "search", "tooling", "chat", "unknown"),
        ("code", "summarize", "search", "tooling", "chat"),
        _task,
    ),
    "risk": Judge(("low", "medium", "high"), ("high",), _risk),
    "uncertainty": Judge(("clear", "ambiguous"), ("ambiguous",), _uncertainty),
    "factuality": Judge(("free", "checkable"), ("checkable",), _factuality),
    "needsRetrieval": Judge(("selfContained", "needsRetrieval"), ("needsRetrieval",), _retrieval),
    "needsTools": Judge(("textOnly", "needsTools"), ("needsTools",), _tools),
    "reasoning": Judge(("direct", "profits"), ("profits",), _reasoning),
}
THRESHOLD: Final = 1.0


class JudgementDetector:
    """A rule's verdict in the shape of a classifier's: scores of 0, 0.5 and 1, matched at 1 unless told."""

    kind = "classifier"
    cost = 15.0

    def __init__(self, name: str, spec: Classifier, judge: Judge) -> None:
        self.name = name
        self.scope = SCOPE
        self._judge = judge
        self._wanted = tuple(spec.labels or judge.looks_for)
        self._threshold = THRESHOLD if spec.threshold is None else spec.threshold

    def prepare(self, texts: Texts) -> None:
        """Nothing: the text and the tools are all it takes."""

    def detect(self, texts: Texts, prepared: object = None) -> SignalRecord | Skipped:
        key = ("reach", True, True)
        shared = texts.shared()
        if key not in shared:
            shared[key] = out_of_reach(texts.latest, latin_only=True)
        if (reason := shared[key]) is not None:
            return Skipped(str(reason))
        scores = dict(self._judge.scores(Seen(texts.scoped(SCOPE), texts.view)))
        label = max(self._judge.labels, key=lambda each: scores[each])
        return SignalRecord(
            matched=any(scores[each] >= self._threshold for each in self._wanted),
            score=max(scores[each] for each in self._wanted),
            threshold=self._threshold,
            label=label,
            scores=scores,
        )
