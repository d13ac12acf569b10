"""A body as a policy sees it: where its members stand, and the part of them that rules and signals may ask about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Final

from forebay_api.model import Capability, Endpoint
from forebay_decision.dialects.openai.chat import read_chat
from forebay_decision.dialects.openai.content import Reading
from forebay_decision.dialects.openai.items import STORED, read_response
from forebay_decision.dialects.openai.lengths import MOST_TOKEN_IDS, check_values
from forebay_decision.dialects.openai.members import Members, refuse_duplicates, scan
from forebay_decision.dialects.openai.noise import Openings, strip_noise
from forebay_decision.dialects.openai.prompts import read_completion, read_embedding
from forebay_decision.dialects.openai.tokens import IMAGE_TOKENS, MESSAGE_TOKENS, estimate_text
from forebay_decision.dialects.openai.tools import AnswerFormat, Offered, read_format, read_tools
from forebay_decision.dialects.openai.unspoken import other_text
from forebay_decision.dialects.openai.values import empty, flag, integer, missing, string
from forebay_decision.errors import BadRequest
from forebay_decision.request import ParsedBody, RequestView, Turn

OUTPUT_LIMITS: Final[Mapping[Endpoint, tuple[str, ...]]] = {
    "ChatCompletions": ("max_completion_tokens", "max_tokens"),
    "Completions": ("max_tokens",),
    "Responses": ("max_output_tokens",),
    "Embeddings": (),
}
"""Members that cap the answer, the one that counts first."""
NESTED: Final[Mapping[Endpoint, tuple[str, ...]]] = {
    "ChatCompletions": ("chat_template_kwargs",),
    "Completions": ("chat_template_kwargs",),
    "Responses": ("chat_template_kwargs", "reasoning"),
    "Embeddings": (),
}
"""Members that are objects (or null) into which `edits` may write."""
THINKING_BUDGET: Final = "thinking_token_budget"

_READERS: Final[Mapping[Endpoint, Callable[[Members], Reading]]] = {
    "ChatCompletions": read_chat,
    "Completions": read_completion,
    "Responses": read_response,
    "Embeddings": read_embedding,
}
_ASKED: Final = ("tools", "functions", "tool_choice", "function_call")
_READ: Final[Mapping[Endpoint, tuple[str, ...]]] = {
    "ChatCompletions": ("messages", "prediction", *_ASKED, "response_format", *NESTED["ChatCompletions"]),
    "Completions": (*_ASKED, "response_format", *NESTED["Completions"]),
    "Responses": ("input", "prompt", *_ASKED, "text", *NESTED["Responses"]),
    "Embeddings": (),
}
"""Members whose objects hold what a policy can ask about by name, or may be written into."""
_TOKEN_IDS: Final = ("Completions", "Embeddings")
_MODALITIES: Final = ("text", "image", "audio", "file")
_SYSTEM: Final = frozenset({"system", "developer"})
_MODEL_HINT: Final = "Name a model, or a virtual model of the policy such as 'auto'."


def read(endpoint: Endpoint, body: bytes) -> ParsedBody:
    """Read a request body of `endpoint`; only what a policy may ask about is decoded.

    Raises BadRequest, whose `param` is the path of the member at fault, for what is no JSON object and for wrong
    types, missing members and impossible numbers in what is decoded. What is not decoded is the upstream's to judge.
    """
    try:
        check_values(body, MOST_TOKEN_IDS if endpoint in _TOKEN_IDS else 0)
        members = scan(body)
        view = _view(endpoint, members, len(body))
        refuse_duplicates(members, _READ[endpoint])
    except RecursionError:
        raise BadRequest("The body is nested too deeply: flatten it.", code="nested_too_deeply") from None
    return ParsedBody(body, {key: span for key, (span, _) in members.items()}, view)


def stored_context(parsed: ParsedBody) -> str | None:
    """The member by which a responses request continues from text that only the server which issued it holds, if any.

    Such a request makes sense to that server alone, and no signal has seen the text.
    """
    if parsed.view.endpoint == "Responses":
        for key in STORED:
            span = parsed.members.get(key)
            if span is not None and parsed.body[span.start : span.end] != b"null":
                return key
    return None


def _view(endpoint: Endpoint, members: Members, size: int) -> RequestView:
    model = _model(members)
    reading = _READERS[endpoint](members)
    generates = endpoint != "Embeddings"
    offered = read_tools(members) if generates else Offered()
    answer = read_format(endpoint, members) if generates else AnswerFormat()
    if generates:
        _check_written(endpoint, members)
    text_at, text = next(_human(reading.turns), (-1, ""))
    return RequestView(
        endpoint=endpoint,
        model=model,
        turns=reading.turns,
        text=text,
        text_at=text_at,
        system_text="\n\n".join([turn.text for turn in reading.turns if turn.role in _SYSTEM]),
        prompt_tokens=_prompt_tokens(reading, offered.tokens + answer.tokens, size),
        max_tokens=_max_tokens(endpoint, members),
        stream=generates and "stream" in members and flag(members["stream"][1], "stream"),
        tools=offered.names,
        response_format=answer.kind,
        modalities=_modalities(reading),
        needs=_needs(offered, answer, reading),
        images=reading.images,
        unread=reading.unread,
        other_text=partial(other_text, endpoint, members),
        human_turns=partial(_human_turns, reading.turns),
    )


def _model(members: Members) -> str:
    model = string(members["model"][1], "model") if "model" in members else None
    if model is None:
        raise missing("model", _MODEL_HINT)
    if not model:
        raise empty("model", _MODEL_HINT)
    return model


def _human(turns: tuple[Turn, ...]) -> Iterator[tuple[int, str]]:
    """Place and text of the user's turns in which something is left once noise is stripped, the latest first."""
    openings = Openings()
    for place in range(len(turns) - 1, -1, -1):
        if turns[place].human:
            text = strip_noise(turns[place].text, openings)
            if text:
                yield place, text


def _human_turns(turns: tuple[Turn, ...], most: int) -> list[str]:
    return [text for _, text in islice(_human(turns), most)]


def _prompt_tokens(reading: Reading, offered: int, size: int) -> int:
    """Upper estimate for one pass; but for images no more than `size`, the body's bytes."""
    if reading.longest is not None:
        return min(reading.longest, size)
    text = "".join([turn.text for turn in reading.turns])
    estimate = estimate_text(text) + MESSAGE_TOKENS * len(reading.turns) + reading.extra_tokens + offered
    return min(estimate, size) + IMAGE_TOKENS * reading.images


def _max_tokens(endpoint: Endpoint, members: Members) -> int | None:
    # vLLM takes max_tokens: 0 for completions that only echo the prompt.
    least = 0 if endpoint == "Completions" else 1
    limits = [integer(members[key][1], key, least=least) for key in OUTPUT_LIMITS[endpoint] if key in members]
    return next((limit for limit in limits if limit is not None), None)


def _check_written(endpoint: Endpoint, members: Members) -> None:
    """Refuse here what `edits` could not write into later."""
    for key in NESTED[endpoint]:
        inner = bytes(members[key][1]) if key in members else b"null"
        if inner != b"null":
            scan(inner, key)
    if THINKING_BUDGET in members:
        integer(members[THINKING_BUDGET][1], THINKING_BUDGET, least=-1)


def _modalities(reading: Reading) -> tuple[str, ...]:
    spoken = any(turn.text for turn in reading.turns)
    return tuple(
        modality for modality in _MODALITIES if modality in reading.attached or (modality == "text" and spoken)
    )


def _needs(offered: Offered, answer: AnswerFormat, reading: Reading) -> frozenset[Capability]:
    needs: set[Capability] = set()
    if offered.callable:
        needs.add("Tools")
    if answer.kind == "json_schema":
        needs.add("JSONSchema")
    if reading.images:
        needs.add("Vision")
    return frozenset(needs)
