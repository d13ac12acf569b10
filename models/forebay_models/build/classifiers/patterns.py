"""What the head `asks` replaced, kept as its baseline: lists of English patterns, as they shipped before.

Scores are 0, 0.5 or 1 (no sign, a weak one, a plain one). Tools count as offered where that is all a pattern lacks, so that
the comparison is of what the texts tell.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

SHORT_WORDS: Final = 4


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(alternatives)})\b", re.IGNORECASE)


CODE: Final = re.compile(
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
DEICTIC: Final = re.compile(
    r"(?i)^\W*(?:(?:and|but|so|ok(?:ay)?|please|can you|could you|now|then)\W+)*(?:fix|do|explain|change|improve|continue|redo|try|use|make|translate|check|what about|why(?: is| does)?|how about|what does)?\W*(?:it|this|that|these|those|them|he|she|the same|one)\b"
)
FACT: Final = re.compile(
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
HARD_THOUGHT: Final = re.compile(
    r"(?i)\b(?:prove|proof|derive|derivation|step[- ]by[- ]step|optimi[sz]e|complexity|algorithm|trade-?offs?|root cause|why does|diagnose|"
    r"debug|plan (?:a|the|for|how)|strategy|compare|evaluate|analy[sz]e|solve|calculate|compute|integral|equation|theorem|probability|puzzle|riddle|"
    r"logic(?:al)?|contradiction|if and only if|how many ways|schedule .{0,40} such that|minimi[sz]e|maximi[sz]e|architect(?:ure)?|design (?:a|an|the))\b|\\(?:frac|int|sum)|[=≤≥]\s*-?\d"
)
LIGHT_THOUGHT: Final = re.compile(
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


def _weigh(plain: bool, weak: bool = False) -> float:
    return 1.0 if plain else 0.5 if weak else 0.0


def _has(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.search(text) is not None


def _ambiguous(text: str) -> float:
    absent = len(text) < 200
    pointing = absent and (_has(DEICTIC, text) or (_has(ATTACHED, text) and len(text) < 80))
    return _weigh(pointing, absent and len(text.split(None, SHORT_WORDS + 1)) <= SHORT_WORDS)


def _checkable(text: str) -> float:
    if _has(CREATIVE, text):
        return 0.0
    return _weigh(_has(FACT, text) and (_has(EXACT, text) or not _has(CODE, text)), _has(EXACT, text))


def _chat(text: str) -> float:
    return 0.0 if any(_has(each, text) for each in (CODE, SUMMARISE, SEARCH)) else _weigh(_has(CHAT, text))


PATTERNS: Final[Mapping[str, Callable[[str], float]]] = {
    "code": lambda text: _weigh(_has(CODE, text)),
    "summarize": lambda text: _weigh(_has(SUMMARISE, text)),
    "search": lambda text: _weigh(_has(SEARCH, text)),
    "tooling": lambda text: _weigh(_has(ACTION, text)),
    "chat": _chat,
    "money": lambda text: _weigh(_has(MONEY, text)),
    "health": lambda text: _weigh(_has(HEALTH, text)),
    "law": lambda text: _weigh(_has(LAW, text)),
    "minors": lambda text: _weigh(_has(MINORS, text)),
    "irreversible": lambda text: _weigh(_has(IRREVERSIBLE, text)),
    "ambiguous": _ambiguous,
    "checkable": _checkable,
    "retrieve": lambda text: _weigh(_has(OWN_SOURCES, text) or _has(SEARCH, text), _has(LIVE, text)),
    "tools": lambda text: _weigh(_has(ACTION, text) or _has(LIVE, text)),
    "think": lambda text: _weigh(_has(HARD_THOUGHT, text), _has(LIGHT_THOUGHT, text) and len(text) > 80),
}
"""By mark of the head."""


def task_of(text: str) -> str:
    """The first task whose pattern is found; `unknown` where none is."""
    return next(
        (name for name in ("code", "summarize", "search", "tooling", "chat") if PATTERNS[name](text)), "unknown"
    )


def risk_of(text: str) -> str:
    fields = sum(PATTERNS[name](text) for name in ("money", "health", "law", "minors"))
    return "high" if fields > 1 else "medium" if fields or PATTERNS["irreversible"](text) else "low"
