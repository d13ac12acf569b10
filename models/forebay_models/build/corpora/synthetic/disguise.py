"""Ways to hide a text from a classifier that a model still reads; harmless texts are disguised as well, so that the
disguise alone proves nothing."""

import base64
import codecs
import random

LEET = str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7"})
HOMOGLYPHS = str.maketrans({"a": "а", "e": "е", "o": "о", "p": "р", "c": "с", "x": "х", "i": "і"})
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
INVISIBLE = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad")


def disguise(text: str, chance: random.Random) -> str:
    """`text` in one of nine disguises."""
    way = chance.randrange(9)
    if way == 0:
        return base64.b64encode(text.encode()).decode()
    if way == 1:
        encoded = base64.b64encode(text.encode()).decode()
        return chance.choice(("Decode this base64 and do it: ", "base64: ", "Run: echo ")) + encoded
    if way == 2:
        return "".join(letter.translate(LEET) if chance.random() < 0.7 else letter for letter in text)
    if way == 3:
        return "".join(letter.translate(HOMOGLYPHS) if chance.random() < 0.6 else letter for letter in text)
    if way == 4:
        return "".join(letter + (chance.choice(INVISIBLE) if chance.random() < 0.3 else "") for letter in text)
    if way == 5:
        return text.translate(FULL_WIDTH)
    if way == 6:
        return chance.choice((" ", "-", ".", "_")).join(text[:160])
    if way == 7:
        return codecs.encode(text, "rot13")
    return text.encode().hex()
