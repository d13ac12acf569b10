"""How well the language signal does on short texts: the messages of Django's translations, 69 languages.

They are no data of this repository and stand in no lock: `pip install django polib` first, in an environment of your own.
Nothing is tuned on them but the cap of letters. Prints a Markdown table.

    python tests/bench/language_quality.py
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from forebay_decision.signals.language import detect_languages

SAME: Final = {"nb": "no", "nn": "no", "zh_Hans": "zh", "zh_Hant": "zh", "bs": "hr", "pt_BR": "pt", "ckb": "ku"}
FEW: Final = frozenset(
    [
        "ar_DZ",
        "en_AU",
        "es_AR",
        "es_CO",
        "es_MX",
        "es_VE",
        "fy",
        "dsb",
        "hsb",
        "io",
        "kab",
        "ia",
        "udm",
        "os",
        "ast",
        "am",
        "sr_Latn",
        "tk",
        "ig",
        "my",
        "br",
        "lb",
        "gd",
        "ug",
        "tt",
    ]
)
"""Regional variants, and translations too small to draw from or not known to CLD2."""
DENSE: Final = frozenset({"zh_Hans", "zh_Hant", "ja", "ko", "th", "km"})
CONFIDENCE: Final = 0.6


def messages(polib: Any, root: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"en": []}
    for path in sorted(root.glob("**/locale/*/LC_MESSAGES/django.po")):
        locale = path.parts[-3]
        for entry in polib.pofile(str(path)):
            for code, text in ((locale, entry.msgstr), ("en", entry.msgid if locale == "fr" else "")):
                if text and not entry.fuzzy and not set("%{<&") & set(text) and (code == "en" or text != entry.msgid):
                    found.setdefault(code, []).append(" ".join(text.split()))
    return {code: sorted(set(texts)) for code, texts in found.items() if code not in FEW}


def samples(found: dict[str, list[str]], rng: random.Random) -> dict[str, list[tuple[str, str]]]:
    drawn: dict[str, list[tuple[str, str]]] = {
        "one message of 20 to 40 letters": [],
        "150 letters": [],
        "2,000 letters": [],
    }
    single, some, many = drawn.values()
    for code, texts in sorted(found.items()):
        label = SAME.get(code, code)
        short = [text for text in texts if (8 if code in DENSE else 20) <= len(text) <= 40]
        single += [(label, text) for text in rng.sample(short, min(30, len(short)))]
        some += [(label, joined(texts, 60 if code in DENSE else 150, rng)) for _ in range(15)]
        many.append((label, joined(texts, 2000, rng)))
    return drawn


def joined(texts: list[str], letters: int, rng: random.Random) -> str:
    text = ""
    while len(text) < letters:
        text += " " + rng.choice(texts)
    return text.strip()[: letters + 20]


def told(text: str) -> str:
    shares = detect_languages(text).shares
    return SAME.get(shares[0][0], shares[0][0]) if shares and shares[0][1] >= CONFIDENCE else ""


def row(name: str, drawn: list[tuple[str, str]], tell: Callable[[str], str]) -> str:
    answers = [(label, tell(text)) for label, text in drawn]
    right = sum(label == answer for label, answer in answers)
    unknown = sum(not answer for _, answer in answers)
    worst = Counter(label for label, answer in answers if answer not in (label, ""))
    wrong = ", ".join(f"{label} {count}" for label, count in worst.most_common(8))
    share = right / (len(answers) - unknown)
    return f"| {name} | {len(answers)} | {right / len(answers):.3f} | {unknown / len(answers):.3f} | {share:.3f} | {wrong} |"


def main() -> None:
    spec = find_spec("django")
    if spec is None or spec.origin is None or find_spec("polib") is None:
        raise SystemExit("pip install django polib")
    import polib

    found = messages(polib, Path(spec.origin).parent)
    print(f"{len({SAME.get(code, code) for code in found})} languages\n")
    print("| texts | number | right | unknown | right of those told | most often wrong |\n|---|---|---|---|---|---|")
    for name, drawn in samples(found, random.Random(1)).items():
        print(row(name, drawn, told))


if __name__ == "__main__":
    main()
