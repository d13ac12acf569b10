"""What a request line asks for."""

import pytest

from forebay_decision.dialects.openai.paths import (
    Methods,
    ModelGet,
    ModelsList,
    check_content_encoding,
    check_content_type,
    resolve,
)
from forebay_decision.errors import BadRequest, MethodNotAllowed, NotFound


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/v1/chat/completions", "ChatCompletions"),
        ("/v1/completions", "Completions"),
        ("/v1/responses", "Responses"),
        ("/v1/embeddings", "Embeddings"),
    ],
)
def test_a_post_to_an_endpoint_is_that_endpoint(path: str, endpoint: str) -> None:
    assert resolve("POST", path) == endpoint


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/"])
def test_the_model_list_is_read_with_and_without_a_body(method: str, path: str) -> None:
    assert resolve(method, path) == ModelsList()


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1/models/auto", "auto"),
        ("/v1/models/org/name", "org/name"),
        ("/v1/models/org%2Fname", "org/name"),
        ("/v1/models/org/name/", "org/name"),
        ("/v1/models/m%C3%BCnchen", "münchen"),
        ("/v1/models/gpt%204", "gpt 4"),
        ("/v1/models/100%", "100%"),
    ],
)
def test_a_model_id_may_hold_slashes_and_percent_escapes(path: str, model: str) -> None:
    assert resolve("GET", path) == ModelGet(model)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/v1",
        "/v1/chat/completions/",
        "/v1/embeddings/",
        "/v1/chat",
        "/v1/chat/completions/x",
        "//v1/models",
        "/v1/modelsx",
        "/v2/models",
        "/V1/models",
    ],
)
def test_an_unknown_path_is_not_found_and_the_message_says_what_exists(path: str) -> None:
    with pytest.raises(NotFound) as caught:
        resolve("POST", path)
    assert caught.value.http_status == 404
    assert "POST /v1/chat/completions" in caught.value.message
    assert "GET /v1/models" in caught.value.message


def test_what_a_message_repeats_of_a_path_is_bounded_and_printable() -> None:
    with pytest.raises(NotFound) as caught:
        resolve("GET", "/\r\n\x1b[31m" + "a" * 10_000)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/chat/completions", "POST, OPTIONS"),
        ("HEAD", "/v1/responses", "POST, OPTIONS"),
        ("post", "/v1/embeddings", "POST, OPTIONS"),
        ("POST", "/v1/models", "GET, HEAD, OPTIONS"),
        ("DELETE", "/v1/models/auto", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_wrong_method_is_told_which_are_right(method: str, path: str, allow: str) -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        resolve(method, path)
    assert (caught.value.http_status, caught.value.allow) == (405, allow)
    assert allow in caught.value.message


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/v1/completions", "POST, OPTIONS"),
        ("/v1/models", "GET, HEAD, OPTIONS"),
        ("/v1/models/auto", "GET, HEAD, OPTIONS"),
    ],
)
def test_options_asks_for_the_methods(path: str, allow: str) -> None:
    assert resolve("OPTIONS", path) == Methods(allow)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "application/json",
        "Application/JSON; charset=UTF-8",
        'application/json;charset="utf-8"',
        "application/vnd.api+json",
    ],
)
def test_json_passes_as_does_an_absent_content_type(value: str | None) -> None:
    check_content_type(value)


@pytest.mark.parametrize(
    "value",
    [
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/json; charset=latin-1",
        ";",
    ],
)
def test_other_content_types_are_unsupported_and_the_message_says_what_to_send(value: str) -> None:
    with pytest.raises(BadRequest, match=r"application/json|UTF-8") as caught:
        check_content_type(value)
    assert caught.value.http_status == 415


@pytest.mark.parametrize("value", [None, "", "identity", " Identity ", "identity, identity"])
def test_a_body_that_is_not_compressed_passes(value: str | None) -> None:
    check_content_encoding(value)


@pytest.mark.parametrize("value", ["gzip", "br", "identity, zstd"])
def test_a_body_that_is_still_compressed_is_unsupported(value: str) -> None:
    with pytest.raises(BadRequest, match="send the body as it is") as caught:
        check_content_encoding(value)
    assert (caught.value.http_status, caught.value.code) == (415, "unsupported_media_type")
