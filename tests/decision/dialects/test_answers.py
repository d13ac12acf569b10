"""What we say ourselves is what the official client's own types accept."""

import json
from typing import Any

import httpx
import openai
import pytest
from openai.types import Completion, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response

from forebay_api.model import Endpoint
from forebay_decision.dialects.openai.answers import error_body, model_object, models_list, respond
from forebay_decision.dialects.openai.view import read
from forebay_decision.errors import BadRequest, Refused, Saturated
from forebay_decision.request import RequestView

TEXT = 'Ask "the desk", naïvely: 请\n'
ASKED: dict[Endpoint, dict[str, Any]] = {
    "ChatCompletions": {"messages": [{"role": "user", "content": "x"}]},
    "Completions": {"prompt": "x"},
    "Responses": {"input": "x"},
    "Embeddings": {"input": "x"},
}


def view(endpoint: Endpoint, *, stream: bool = False) -> RequestView:
    body = {"model": "auto", **ASKED[endpoint]} | ({"stream": True} if stream else {})
    return read(endpoint, json.dumps(body).encode()).view


def client(endpoint: Endpoint, *, stream: bool = False) -> openai.OpenAI:
    """The official client, wired to our answer."""
    kind, body = respond(endpoint, view(endpoint, stream=stream), TEXT, "0af3", 1_700_000_000)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers={"content-type": kind}, content=body))
    return openai.OpenAI(
        api_key="none", base_url="http://localhost/v1", http_client=httpx.Client(transport=transport), max_retries=0
    )


def plain(endpoint: Endpoint) -> Any:
    kind, body = respond(endpoint, view(endpoint), TEXT, "0af3", 1_700_000_000)
    assert kind == "application/json"
    return json.loads(body)


def test_a_plain_chat_answer_validates_against_the_clients_types() -> None:
    answer = ChatCompletion.model_validate(plain("ChatCompletions"), strict=True)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (TEXT, "stop")
    assert (answer.id, answer.model, answer.created) == ("chatcmpl-0af3", "auto", 1_700_000_000)


def test_a_plain_completion_validates_against_the_clients_types() -> None:
    assert Completion.model_validate(plain("Completions"), strict=True).choices[0].text == TEXT


def test_a_plain_response_validates_against_the_clients_types() -> None:
    answer = Response.model_validate(plain("Responses"))
    assert (answer.output_text, answer.status) == (TEXT, "completed")


def test_a_streamed_chat_is_role_content_finish_and_done() -> None:
    kind, body = respond("ChatCompletions", view("ChatCompletions", stream=True), TEXT, "0af3", 1)
    frames = [frame.removeprefix("data: ") for frame in body.decode().split("\n\n")]
    assert kind.startswith("text/event-stream")
    assert frames[-2:] == ["[DONE]", ""]
    chunks = [ChatCompletionChunk.model_validate_json(frame) for frame in frames[:-2]]
    assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant", None, None]
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["", TEXT, None]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, None, "stop"]


def test_the_client_reads_a_streamed_chat() -> None:
    asked = client("ChatCompletions", stream=True)
    with asked.chat.completions.create(
        model="auto", messages=[{"role": "user", "content": "x"}], stream=True
    ) as stream:
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == TEXT


def test_the_client_reads_a_streamed_completion() -> None:
    with client("Completions", stream=True).completions.create(model="auto", prompt="x", stream=True) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].text for chunk in chunks) == TEXT
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_the_client_follows_a_streamed_response_to_its_end() -> None:
    with client("Responses", stream=True).responses.stream(model="auto", input="x") as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert final.output_text == TEXT
    assert [event.type for event in events][:2] == ["response.created", "response.in_progress"]
    assert [event.sequence_number for event in events] == list(range(9))


def test_every_event_of_a_response_names_its_type_and_validates() -> None:
    _, body = respond("Responses", view("Responses", stream=True), TEXT, "0af3", 1)
    for frame in body.decode().strip().split("\n\n"):
        named, _, data = frame.partition("\n")
        event = json.loads(data.removeprefix("data: "))
        assert named == f"event: {event['type']}"
        if "response" in event:
            Response.model_validate(event["response"])


def test_an_embedding_cannot_be_a_text() -> None:
    with pytest.raises(BadRequest, match="embedding"):
        respond("Embeddings", view("Embeddings"), TEXT, "0af3", 1)


def test_the_client_reads_the_model_list() -> None:
    names = ["auto", "org/name", 'qu"ote']
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=json.loads(models_list(names))))
    asked = openai.OpenAI(api_key="none", base_url="http://localhost/v1", http_client=httpx.Client(transport=transport))
    assert [model.id for model in asked.models.list()] == names
    assert Model.model_validate_json(model_object("org/name"), strict=True).id == "org/name"


def test_an_error_is_openais_error_object() -> None:
    error = BadRequest("No model.", code="missing_required_parameter", param="model")
    assert json.loads(error_body(error)) == {
        "error": {
            "message": "No model.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "missing_required_parameter",
        }
    }
    assert json.loads(error_body(Saturated("Busy.", code="saturated")))["error"]["type"] == "rate_limit_error"


def test_the_client_shows_a_refusal_by_its_code() -> None:
    content = error_body(Refused("Not here.", code="rejected"))
    transport = httpx.MockTransport(lambda _: httpx.Response(403, content=content))
    asked = openai.OpenAI(api_key="none", base_url="http://localhost/v1", http_client=httpx.Client(transport=transport))
    with pytest.raises(openai.PermissionDeniedError, match="Not here") as caught:
        asked.models.list()
    assert caught.value.code == "rejected"
