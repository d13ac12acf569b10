"""Message content, the part that chat completions and responses share: text, and what else is attached to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Raw, UnsetType

from forebay_decision.dialects.openai.tokens import AUDIO_BYTES_PER_TOKEN, FILE_BYTES_PER_TOKEN
from forebay_decision.dialects.openai.values import missing
from forebay_decision.request import Turn

_TEXT: Final = frozenset({"text", "input_text", "output_text", "reasoning_text", "summary_text"})
_MEDIA: Final = {
    "image_url": ("image", ("image_url",)),
    "input_image": ("image", ("image_url", "file_id")),
    "video_url": ("image", ("video_url",)),
    "image_embeds": ("image", ("image_embeds",)),
    "video_embeds": ("image", ("video_embeds",)),
    "input_audio": ("audio", ("input_audio",)),
    "audio_url": ("audio", ("audio_url",)),
    "audio_embeds": ("audio", ("audio_embeds",)),
    "file": ("file", ("file",)),
    "input_file": ("file", ("file_data", "file_url", "file_id")),
}
"""Part type -> modality and the members of which one must be there. A video is read as images."""


class Part(msgspec.Struct, frozen=True):
    """One element of a content list. What a policy cannot ask about is skipped, never decoded: images stay bytes."""

    type: str
    text: str | None = None
    refusal: str | None = None
    thinking: Any = None
    """A text, or a list of parts. vLLM hands it on as text, in whosever message it stands."""
    image_url: Raw | UnsetType = UNSET
    video_url: Raw | UnsetType = UNSET
    input_audio: Raw | UnsetType = UNSET
    audio_url: Raw | UnsetType = UNSET
    image_embeds: Raw | UnsetType = UNSET
    video_embeds: Raw | UnsetType = UNSET
    audio_embeds: Raw | UnsetType = UNSET
    file: Raw | UnsetType = UNSET
    file_data: Raw | UnsetType = UNSET
    file_url: Raw | UnsetType = UNSET
    file_id: Raw | UnsetType = UNSET


Content: TypeAlias = str | list[Part] | None


class Reading(msgspec.Struct, frozen=True):
    """What one pass of the model would read.

    `attached` are the modalities beside text; `extra_tokens` is the upper estimate for what is in no turn's text and
    is no image. `longest` is set where the body holds several prompts, each read in a pass of its own: the estimate
    for the longest, all told. `unread` says, in a few words, what of it no policy can read as text.
    """

    turns: tuple[Turn, ...]
    attached: frozenset[str] = frozenset()
    images: int = 0
    extra_tokens: int = 0
    longest: int | None = None
    unread: str = ""


class Attachments:
    """Collects what stands beside text while messages are read."""

    def __init__(self) -> None:
        self._modalities: set[str] = set()
        self._images = 0
        self._tokens = 0
        self._unread = ""

    def reading(self, turns: list[Turn], around: int) -> Reading:
        """The turns with what was noted; `around` is the estimate for what a template puts around them."""
        return Reading(
            tuple(turns), frozenset(self._modalities), self._images, around + self._tokens, unread=self._unread
        )

    def words(self, content: Content, param: str) -> list[str]:
        """The texts of `content`, in order; the rest is noted. Raises BadRequest with a path below `param`."""
        if content is None:
            return []
        if isinstance(content, str):
            return [content]
        return [text for index, part in enumerate(content) for text in self._part(part, f"{param}[{index}]")]

    def image(self) -> None:
        """Note one image."""
        self._modalities.add("image")
        self._images += 1

    def hide(self, what: str) -> None:
        """Note text that the model reads and the body does not hold."""
        self._unread = self._unread or what

    def _part(self, part: Part, param: str) -> Iterable[str]:
        if part.type in _TEXT and part.text is None:
            raise missing(f"{param}.text")
        if part.type == "refusal" and part.refusal is None:
            raise missing(f"{param}.refusal")
        if part.type in _MEDIA:
            modality, members = _MEDIA[part.type]
            size = sum(len(value) for name in members if (value := getattr(part, name)) is not UNSET)
            if not size:
                raise missing(f"{param}.{members[0]}")
            if modality == "image":
                self.image()
            else:
                self._modalities.add(modality)
                self._tokens += size // (AUDIO_BYTES_PER_TOKEN if modality == "audio" else FILE_BYTES_PER_TOKEN)
        if part.type == "prompt_embeds":
            self.hide("prompt embeddings")
        # Whatever the type says: servers differ in what they take for text.
        return [text for text in (part.text, part.refusal, *_thoughts(part.thinking)) if text is not None]


def _thoughts(value: Any) -> Iterable[str]:
    """Text in what a model is said to have thought: a string, an object with one, or a list of either."""
    for element in value if isinstance(value, list) else [value]:
        text = element.get("text") if isinstance(element, Mapping) else element
        if isinstance(text, str):
            yield text
