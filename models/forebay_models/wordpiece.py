"""The WordPiece vocabulary both encoders share, behind one door to the `tokenizers` library.

The shipped `tokenizer.json` differs from the source model's on purpose: no special tokens are matched in text (a prompt
that spells "[SEP]" is read as those letters, so a caller cannot inject structure), and truncation, padding and the
[CLS]/[SEP] frame are left to the encoders, because the library keeps the first two as shared mutable state.
"""

from pathlib import Path

from tokenizers import Tokenizer

FILE_NAME = "tokenizer.json"
FRAME_START = 101
FRAME_END = 102


class WordPiece:
    """Text to token ids; immutable after construction, shared by threads."""

    def __init__(self, path: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(path))

    def vocabulary(self) -> dict[str, int]:
        """A copy: piece to id."""
        return self._tokenizer.get_vocab(with_added_tokens=False)

    def encode(self, text: str) -> list[int]:
        """Ids without a frame, in text order; linear in the text, which the caller bounds."""
        try:
            return self._tokenizer.encode(text, add_special_tokens=False).ids
        except (TypeError, UnicodeEncodeError):
            # A JSON string may hold a lone surrogate (\ud800), which has no UTF-8 form and no meaning: it is dropped.
            return self._tokenizer.encode(text.encode(errors="ignore").decode(), add_special_tokens=False).ids
