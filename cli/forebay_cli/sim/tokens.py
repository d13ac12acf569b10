"""Token counts without a tokenizer: a stated estimate, the same for every model, so that tests can predict it."""

from __future__ import annotations

from typing import Any

BYTES_PER_TOKEN = 4
IMAGE_TOKENS = 256
# Deeper nesting than any dialect has: below it text is not counted, and the walk stays far from Python's stack limit.
_MAX_DEPTH = 32
_TEXT_KEYS = frozenset(
    {"arguments", "content", "description", "function", "input", "instructions", "json_schema", "name", "output"}
    | {"parameters", "schema", "text", "tool_calls"}
)
_IMAGE_TYPES = frozenset({"image", "image_url", "input_image"})


def estimate_tokens(*prompts: Any) -> int:
    """Tokens of decoded prompts: one for each 4 bytes of UTF-8 text, one for each given token id, 256 an image; >= 1.

    ``prompts`` are whatever a request carries: text, lists of messages or parts, tool definitions.
    """
    text_bytes, tokens = 0, 0
    pending = [(prompt, 0) for prompt in prompts]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, str):
            text_bytes += len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, int):
            tokens += 1
        elif depth >= _MAX_DEPTH:
            continue
        elif isinstance(value, list):
            pending.extend((item, depth + 1) for item in value)
        elif isinstance(value, dict):
            if value.get("type") in _IMAGE_TYPES:
                tokens += IMAGE_TOKENS
            pending.extend((item, depth + 1) for key, item in value.items() if key in _TEXT_KEYS or depth > 3)
    return max(1, tokens + -(-text_bytes // BYTES_PER_TOKEN))
