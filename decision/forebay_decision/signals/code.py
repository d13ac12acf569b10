"""Code in prose: which lines of a text are program text, by their form alone.

Within code fences every line counts. Outside, a line counts when its beginning or its end is one that prose hardly ever
has: a statement's keyword, a brace or semicolon at the end, an assignment, a frame of a stack trace, a prompt of a
shell. Each line is judged by its first and last letters, so time is linear whatever the line's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

MOST_LETTERS: Final = 1 << 16
"""Of a longer text the first and the last half of so many are judged."""
_HEAD, _TAIL = 160, 48
_FENCE: Final = re.compile(r"\s{0,3}(```|~~~)")
_BEGINS: Final = re.compile(
    r"""\s*(?:
    (?:async\ )?def\ \w|class\ \w+\s?[:({]|import\ [\w.*{'"]+\s*(?:$|;|as\ |from\ )|from\ [\w.]+\ import\ |@\w+(?:\(|$)
    |(?:if|elif|for|while|with|except|else|try|finally|match|case)\b[^.!?]*:\s*(?:\#.*)?$
    |(?:if|for|while|switch|catch)\s*\([^)]*\)
    |return(?:\ [\w.]+[(\[;]|\ ?;|\ (?:True|False|None|null|self)\b)
    |(?:export\ )?(?:default\ )?(?:async\ )?function\b\s*\*?\w*\(|(?:const|let|var)\ [\w{\[$][^.!?]*=
    |(?:public|private|protected|static|final|override|virtual|abstract)\ [\w<>\[\]]+\ \w+
    |(?:pub\ )?(?:fn|impl|struct|enum|trait|mod|use)\ \w+.*[{;(]
    |func\ (?:\([^)]*\)\ )?\w+\(|package\ \w+;?$|namespace\ [\w.:\\]+
    |\#(?:include|define|ifdef|ifndef|endif|pragma|!/)|using\ [\w.]+;
    |(?i:SELECT\ .*\ FROM\ |INSERT\ INTO\ |UPDATE\ \w+\ SET\ |CREATE\ (?:TABLE|INDEX|VIEW)\ |DELETE\ FROM\ )
    |</?[a-zA-Z][\w-]*(?:\ [^>]*)?/?>|<[!?]\w
    |Traceback\ \(most\ recent|File\ "[^"]+",\ line\ \d|at\ [\w$.<>]+\ ?\([^)]*\)
    |\w*(?:Error|Exception):\ |\$\ \w|>>>\ |//\s|/\*|\*/|\#\ ?-\*-|--\ \w+.*;$
    |[\w.\[\]'"]+\ ?(?:=|\+=|-=|:=|\|=)\ ?[\w'"\[({\-!&*]
    |[\w.]+\([^()]*\)\s*;?\s*$|[\w.]+\(.*,$
    |"[^"]+"\s*:\ ?["\[{\d\w]|[\w-]+:\ [\w"'{\[].*,$
    |[A-Z_]{3,}=\S
    )""",
    re.VERBOSE,
)
_ENDS: Final = re.compile(r"(?:[;{}]|\);?|\]\),?|=>|\)\s*:|\\|\[\(|\}\)[;,]?|\},|\],)\s*$")
_BRACKETED_END: Final = re.compile(r"[A-Za-z]\)\s*$")
"""A parenthesis that closes words, as prose has it."""
_QUESTION_END: Final = re.compile(r"[^\W\d_a-zA-Z];\s*$")
"""A Greek question: its mark is the semicolon. Names in programs hardly ever end in a letter that is not ASCII."""
_PROSE_ENDS: Final = (_BRACKETED_END, _QUESTION_END)


def share_of_code(text: str) -> float:
    """Letters on code's lines over all letters, spaces left out, in [0,1]; 0 where there are no letters."""
    code = letters = 0
    for line, is_code in lines_of(sample(text, MOST_LETTERS)):
        length = len("".join(line.split())) if len(line) < _HEAD else len(line)
        letters += length
        if is_code:
            code += length
    return code / letters if letters else 0.0


def lines_of(text: str) -> Iterator[tuple[str, bool]]:
    """Every line that is not blank, and whether it is code. The fences themselves are left out."""
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1] == fence):
            fence = "" if fence else mark[1]
        elif line and not line.isspace():
            yield line, bool(fence) or looks_like_code(line)


def looks_like_code(line: str) -> bool:
    """Whether one line by itself has the form of program text."""
    if _BEGINS.match(line[:_HEAD]) is not None:
        return True
    end = line[-_TAIL:]
    return _ENDS.search(end) is not None and all(prose.search(end) is None for prose in _PROSE_ENDS)


def sample(text: str, most: int) -> str:
    """`text`, or of a longer one its first and last half of `most` letters, on lines of their own."""
    return text if len(text) <= most else f"{text[: most // 2]}\n{text[-most // 2 :]}"
