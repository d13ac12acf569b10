"""How many tokens a model reads at most, told from the script of the text, without any tokenizer.

A tokenizer per model would cost milliseconds and a download, and which model answers is what is being decided. The
estimate errs upwards, because one that is too low lets a prompt reach a model whose window it exceeds. Per character:

* an ASCII letter or space counts 1/3. Byte-pair vocabularies of 32k to 200k entries need 4 to 5 characters a token in
  English prose, 3 to 4 in other Latin languages;
* every other ASCII character counts 1: several vocabularies split numbers into single digits, and punctuation rarely
  joins. Source code comes out near 2 characters a token, where 2.5 to 3.5 is usual;
* a character outside ASCII counts 1/3 plus 2/3 for each UTF-8 byte beyond its first: 1 for accented Latin, Cyrillic,
  Greek, Hebrew and Arabic, 5/3 for Chinese, Japanese, Korean and the scripts of India, 7/3 for emoji.

Measured on some thousand characters each with cl100k_base, o200k_base and DeepSeek's vocabulary, the estimate is 1.6 to
1.7 times the tokens of English prose, 2.0 to 2.2 of Python, 1.6 to 3.6 of Chinese, Japanese and Korean, and 0.96 to 4.4
of fourteen other languages (least for Hebrew, Finnish and Greek with cl100k_base). It is too low for base64 and other
random letters (0.65) and for sequences of emoji (0.84 with cl100k_base); Anthropic's public vocabulary of 2023 needs up
to 1.3 times the estimate for Vietnamese and Greek.

No vocabulary with byte fallback needs more tokens than bytes, and neither does the estimate. All counting is done by
whole-string methods in C: 0.1 ms for 200 kB.
"""

from __future__ import annotations

import string
from typing import Final

IMAGE_TOKENS: Final = 1600
"""One image, or a video's reference: OpenAI's tiles and Anthropic's resizing end near 1,600 (1,445 and 1,568)."""

MESSAGE_TOKENS: Final = 6
"""Role and delimiters that a chat template puts around one message (4 in ChatML, 5 in Llama 3)."""

PROMPT_TOKENS: Final = 16
"""What a template puts around the whole conversation: start of text, the opening of the answer."""

AUDIO_BYTES_PER_TOKEN: Final = 100
"""Base64 bytes of speech per token: 25 tokens a second at 16 kbit/s, lower than any usual MP3."""

FILE_BYTES_PER_TOKEN: Final = 4
"""Base64 bytes of a document per token: plain text at 3 characters a token."""

_LIGHT: Final = (string.ascii_letters + " ").encode() + bytes(range(0x80, 0x100))


def estimate_text(text: str) -> int:
    """Upper estimate for one text; at most its length in UTF-8 bytes."""
    encoded = text.encode()
    dense = len(encoded.translate(None, _LIGHT))
    light = len(text) - dense
    beyond_first = len(encoded) - len(text)
    return dense + (light + 2 * beyond_first + 2) // 3
