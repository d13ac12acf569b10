"""Rules: first match decides, constraints add up, unknown means what its kind of rule says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from builders import a_model, a_policy, a_pool, a_state, chat, compiled, decide, direct, head

from forebay_decision.errors import PolicyError
from forebay_decision.route import Answer, Forward

POOLS = {
    "default/small": a_pool(a_model("qwen")),
    "default/big": a_pool(a_model("gpt"), placement={"boundary": "Public"}),
}
WORDS = [{"name": "word", "keyword": {"any": ["magic"]}}, {"name": "mail", "regex": {"pattern": "[a-z]+@[a-z]+"}}]
STRATEGIES = [direct("small", name="cheap"), direct("big", name="dear"), direct("big", "small", name="both")]


def policy(*rules: dict[str, Any], **fields: Any) -> Any:
    spec = a_policy(strategies=STRATEGIES, default={"use": "cheap"}, signals=WORDS, rules=list(rules), **fields)
    return compiled(spec, POOLS)


def late() -> Any:
    """A clock that is past the deadline at once, so that every signal is unknown."""
    return {"clock": lambda: 2.0, "deadline": 1.0}


def error_of(answer: Forward | Answer) -> dict[str, Any]:
    assert isinstance(answer, Answer)
    error: dict[str, Any] = msgspec.json.decode(answer.body)["error"]
    return error


def test_the_first_matching_rule_decides() -> None:
    p = policy(
        {"name": "a", "when": "signals.word.matched", "use": "dear"}, {"name": "b", "when": "true", "use": "both"}
    )
    assert decide(p, chat("magic")).record.rule == "a"
    assert decide(p, chat("plain")).record.rule == "b"


def test_without_a_match_the_default_serves() -> None:
    record = decide(policy({"name": "a", "when": "false", "use": "dear"}), chat()).record
    assert (record.rule, record.strategy) == ("default", "cheap")


def test_a_constrain_rule_counts_wherever_it_stands() -> None:
    p = policy(
        {"name": "go", "when": "true", "use": "both"},
        {"name": "stay", "when": "signals.mail.matched", "constrain": {"boundary": "Private"}},
    )
    record = decide(p, chat("write to me@home")).record
    assert (record.pool, record.constraints) == ("default/small", {"boundary": "Private"})


def test_a_constraint_nobody_satisfies_refuses_and_says_why() -> None:
    p = policy(
        {"name": "go", "when": "true", "use": "dear"},
        {"name": "stay", "when": "true", "constrain": {"boundary": "Private"}},
    )
    answer = decide(p, chat())
    assert answer.status == 403
    assert "boundary Public is beyond Private" in error_of(answer)["message"]


def test_an_unknown_constrain_condition_counts_as_matched() -> None:
    p = policy({"name": "stay", "when": "signals.mail.matched", "constrain": {"boundary": "Private"}})
    record = decide(p, chat(), **late()).record
    assert record.constraints == {"boundary": "Private"}
    assert record.signals["mail"].unknown == "deadline"


def test_an_unknown_reject_condition_answers_503_and_not_403() -> None:
    p = policy({"name": "no", "when": "signals.word.matched", "reject": {"status": 403, "message": "no"}})
    answer = decide(p, chat(), **late())
    assert (answer.status, error_of(answer)["code"]) == (503, "signal_unavailable")


def test_on_unknown_skip_lets_a_reject_rule_pass() -> None:
    p = policy({"name": "no", "when": "signals.word.matched", "onUnknown": "Skip", "reject": {"message": "no"}})
    assert isinstance(decide(p, chat(), **late()), Forward)


@pytest.mark.parametrize(("on_unknown", "rule"), [(None, "default"), ("Skip", "default"), ("Match", "a")])
def test_an_unknown_use_condition_is_skipped_unless_told_to_match(on_unknown: str | None, rule: str) -> None:
    extra = {"onUnknown": on_unknown} if on_unknown else {}
    p = policy({"name": "a", "when": "signals.word.matched", "use": "dear", **extra})
    assert decide(p, chat("magic"), **late()).record.rule == rule


def test_what_is_settled_without_a_signal_does_not_compute_it() -> None:
    p = policy(
        {"name": "a", "when": "signals.word.matched && request.promptTokens > 100000", "use": "dear"},
        {"name": "b", "when": "request.stream || !request.stream || signals.mail.matched", "use": "both"},
    )
    assert decide(p, chat("magic")).record.signals == {}


def test_a_reject_rule_names_its_status_and_message() -> None:
    p = policy({"name": "no", "when": "signals.word.matched", "reject": {"status": 451, "message": "Not here."}})
    answer = decide(p, chat("magic"))
    assert (answer.status, error_of(answer)["message"], answer.record.rule) == (451, "Not here.", "no")


def test_a_respond_rule_answers_without_a_model() -> None:
    p = policy({"name": "hi", "when": "signals.word.matched", "respond": {"message": "Abracadabra."}})
    answer = decide(p, chat("magic"))
    assert answer.status == 200
    assert msgspec.json.decode(answer.body)["choices"][0]["message"]["content"] == "Abracadabra."


def test_a_named_model_skips_use_and_respond_but_not_reject_and_constrain() -> None:
    p = policy(
        {"name": "hi", "when": "true", "respond": {"message": "x"}},
        {"name": "go", "when": "true", "use": "cheap"},
        {"name": "no", "when": "signals.word.matched", "reject": {"message": "no"}},
        {"name": "stay", "when": "signals.mail.matched", "constrain": {"boundary": "Private"}},
    )
    assert decide(p, chat(model="gpt")).record.pool == "default/big"
    assert decide(p, chat("magic", model="gpt")).status == 403
    assert decide(p, chat("me@home", model="gpt")).status == 403
    assert decide(p, chat("me@home", model="qwen")).record.pool == "default/small"


def test_an_unknown_model_is_404_and_lists_what_exists() -> None:
    answer = decide(policy(), chat(model="gpt-9"))
    assert answer.status == 404
    assert error_of(answer)["code"] == "model_not_found"
    assert "qwen" in error_of(answer)["message"]


def test_rules_read_trusted_identity_and_named_headers() -> None:
    p = policy(
        {
            "name": "clinic",
            "when": 'tenant == "clinic" && request.headers["x-team"] == "er"',
            "constrain": {"boundary": "Private"},
        },
        {"name": "go", "when": "true", "use": "both"},
        identity={"tenant": {"header": "x-tenant"}},
    )
    constrained = decide(p, chat(), head=head(x_tenant="clinic", x_team="er")).record.constraints
    assert constrained == {"boundary": "Private"}
    assert decide(p, chat(), head=head(x_tenant="shop", x_team="er")).record.constraints == {}


def test_rules_read_pool_state() -> None:
    p = policy({"name": "busy", "when": 'pools["small"].queued > 3', "use": "dear"})
    assert decide(p, chat(), states={"default/small": a_state("default/small", queued=4.0)}).record.rule == "busy"
    assert decide(p, chat()).record.rule == "default"


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("signals.wrd.matched", "1:12: undeclared reference to 'signals.wrd.matched'; did you mean 'signals.word.matched'?"),
        ("request.promptTokens", "1:1: the condition is of type int, but a rule needs a boolean"),
        ('pools["smal"].ready > 0', "1:7: no strategy of this policy uses a pool 'smal'; did you mean 'small'?"),
        ('pools["small"].quued > 0', "1:15: a pool has no 'quued'; did you mean 'queued'?"),
        ("request.headers[request.model] == ''", "1:24: request.headers wants a literal name"),
        ("signals.word.matched &&", "1:24: Syntax error"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_condition_is_named_with_its_column(when: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        policy({"name": "ok", "when": "true", "use": "cheap"}, {"name": "a", "when": when, "use": "cheap"})
    assert str(caught.value).startswith(f"spec.rules[1].when: {message}")


def test_a_fold_that_is_too_long_for_cel_is_unknown_and_fails_nothing() -> None:
    fold = 'request.messages.exists(a, request.messages.exists(b, a.content + b.content == "x"))'
    p = policy({"name": "stay", "when": fold, "constrain": {"boundary": "Private"}})
    body = msgspec.json.encode({"model": "auto", "messages": [{"role": "user", "content": "y"}] * 200})
    record = decide(p, body).record
    assert record is not None
    assert (record.pool, record.constraints) == ("default/small", {"boundary": "Private"})


def test_asking_whether_a_pool_is_known_is_refused() -> None:
    with pytest.raises(PolicyError, match="onUnknown says what that means"):
        policy({"name": "a", "when": '"small" in pools && pools["small"].saturated', "use": "cheap"})


def test_a_missing_header_in_a_reject_rule_is_not_called_a_missing_signal() -> None:
    p = policy({"name": "no", "when": 'request.headers["x-role"] == "banned"', "reject": {"message": "no"}})
    answer = decide(p, chat())
    assert (answer.status, error_of(answer)["code"]) == (503, "rule_undecidable")
    assert "retry-after" not in dict(answer.headers)


def test_a_body_that_is_still_compressed_is_415() -> None:
    answer = decide(policy(), chat(), head=head(content_encoding="br"))
    assert (answer.status, error_of(answer)["code"]) == (415, "unsupported_media_type")
