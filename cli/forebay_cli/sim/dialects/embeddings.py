"""POST /v1/embeddings: vectors that depend on the text alone and carry no meaning."""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from forebay_cli.sim.answers import Finish
from forebay_cli.sim.config import SimConfig
from forebay_cli.sim.dialects.plan import Frame, check_context, encode_json, read_fields
from forebay_cli.sim.errors import bad_request
from forebay_cli.sim.tokens import estimate_tokens

_MAX_INPUTS = 2048


class EmbeddingRequest(msgspec.Struct, frozen=True):
    model: str
    input: str | list[Any]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, Meta(ge=1, le=4096)] | None = None


class EmbeddingPlan(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    prompt_tokens: int
    inputs: list[Any]
    dimensions: int
    as_base64: bool
    steps: int = 0
    width: int = 1
    finish: Finish = "stop"
    stream: bool = False

    def body(self) -> bytes:
        data = [
            {"object": "embedding", "index": index, "embedding": self._embedding(text)}
            for index, text in enumerate(self.inputs)
        ]
        usage = {"prompt_tokens": self.prompt_tokens, "total_tokens": self.prompt_tokens}
        return encode_json({"object": "list", "data": data, "model": self.model, "usage": usage})

    def frames(self) -> Iterator[Frame]:
        yield Frame(self.body(), 0)

    def _embedding(self, text: Any) -> list[float] | str:
        vector = embed(encode_json(text), self.dimensions)
        if not self.as_base64:
            return vector
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def embed(text: bytes, dimensions: int) -> list[float]:
    """A unit vector drawn from the text's hash: float32 values in [-1, 1], equal for equal texts."""
    digest = hashlib.shake_128(text).digest(2 * dimensions)
    raw = struct.unpack(f"<{dimensions}h", digest)
    norm = math.sqrt(sum(value * value for value in raw)) or 1.0
    # Through float32, so that both encodings carry the very same numbers.
    return list(struct.unpack(f"<{dimensions}f", struct.pack(f"<{dimensions}f", *(value / norm for value in raw))))


def plan_embeddings(received: dict[str, Any], config: SimConfig) -> EmbeddingPlan:
    """Checks an embedding request. Raises Refusal."""
    request = read_fields(received, EmbeddingRequest)
    inputs = _split_inputs(request.input)
    prompt_tokens = sum(estimate_tokens(item) for item in inputs)
    check_context(max(estimate_tokens(item) for item in inputs), None, config)
    return EmbeddingPlan(
        model=request.model,
        prompt_tokens=prompt_tokens,
        inputs=inputs,
        dimensions=request.dimensions or config.embedding_dimensions,
        as_base64=request.encoding_format == "base64",
    )


def _split_inputs(given: str | list[Any]) -> list[Any]:
    if isinstance(given, str):
        inputs: list[Any] = [given]
    elif given and all(isinstance(item, int) for item in given):
        inputs = [given]
    else:
        inputs = given
    if not 0 < len(inputs) <= _MAX_INPUTS or not all(isinstance(item, str | list) for item in inputs):
        raise bad_request(f"input must be a text, token ids, or a list of 1 to {_MAX_INPUTS} of either.", "input")
    return inputs
