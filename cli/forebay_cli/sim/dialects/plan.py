"""What every dialect agrees on: the plan between a request and its answer, and how a body becomes typed fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, NamedTuple, Protocol, TypeVar

import msgspec
from msgspec import Meta

from forebay_cli.sim.answers import Finish
from forebay_cli.sim.config import SimConfig
from forebay_cli.sim.errors import Refusal, bad_request, invalid_field

T = TypeVar("T")

TokenLimit = Annotated[int, Meta(ge=1, le=1 << 40)] | None
ChoiceCount = Annotated[int, Meta(ge=1, le=16)] | None
_CHUNK = msgspec.json.Encoder()


class Frame(NamedTuple):
    """Bytes of a stream that go out together; ``tokens`` is what one decoding step produced for them (0: no step)."""

    data: bytes
    tokens: int


class Plan(Protocol):
    """A checked request together with its answer; nothing is left that could be refused.

    ``steps`` decoding steps of ``width`` tokens each make the whole answer; 0 steps for embeddings.
    """

    @property
    def model(self) -> str: ...
    @property
    def prompt_tokens(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def finish(self) -> Finish: ...
    @property
    def stream(self) -> bool: ...

    def body(self) -> bytes:
        """The whole answer as one JSON object."""

    def frames(self) -> Iterator[Frame]:
        """The same answer as server-sent events, one frame a decoding step, closing events included."""


PlanRequest = Callable[[dict[str, Any], SimConfig], Plan]


def decode_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a request body. Raises Refusal (400)."""
    if not body:
        raise bad_request("The request body is empty; send a JSON object.", code="invalid_json")
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.ValidationError as error:
        raise bad_request(f"The request body must be a JSON object: {error}", code="invalid_json") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request(f"The request body is not valid JSON: {error}", code="invalid_json") from error


def read_fields(received: dict[str, Any], shape: type[T]) -> T:
    """The fields of ``received`` that ``shape`` declares. Raises Refusal (400) naming the first wrong one."""
    try:
        return msgspec.convert(received, shape)
    except msgspec.ValidationError as error:
        raise invalid_field(error) from error


def check_context(prompt_tokens: int, limit: int | None, config: SimConfig) -> None:
    """Refuses what vLLM refuses: prompt and demanded answer together must fit the context window."""
    window = config.max_model_len
    if window is None or prompt_tokens + (limit or 1) <= window:
        return
    raise Refusal(
        400,
        f"This model's maximum context length is {window} tokens. However, you requested "
        f"{prompt_tokens + (limit or 0)} tokens ({prompt_tokens} in the prompt, {limit or 0} for the answer).",
        param="messages",
        code="context_length_exceeded",
    )


def encode_json(value: Any) -> bytes:
    return _CHUNK.encode(value)


def encode_event(value: Any) -> bytes:
    """One server-sent event without a name."""
    return b"data: " + _CHUNK.encode(value) + b"\n\n"


DONE_EVENT = b"data: [DONE]\n\n"
