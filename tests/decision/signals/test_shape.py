"""Structure, tool results, repetition and claims: facts of a request that are counted and not guessed."""

from __future__ import annotations

from typing import Any

import pytest
from builders import Seen, a_policy, a_pool, chat, compiled, decide, head, seen
from hypothesis import given
from hypothesis import strategies as st

from forebay_api.signal import Claims, Reask, Structure, ToolResult
from forebay_decision.dialects.openai.view import read
from forebay_decision.request import Turn
from forebay_decision.signals.claims import ClaimsDetector
from forebay_decision.signals.code import looks_like_code, share_of_code
from forebay_decision.signals.reask import ReaskDetector
from forebay_decision.signals.structure import StructureDetector
from forebay_decision.signals.tool_result import ToolResultDetector, has_failed

PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


def call(name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": function}]}


def result(text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": "c", "content": text}


def shape(view: Seen, **fields: Any) -> dict[str, Any]:
    return StructureDetector("s", Structure(**fields)).detect(view).values or {}


def test_the_shape_of_a_first_question() -> None:
    tools = [{"type": "function", "function": {"name": "look"}}]
    pictures = {"role": "user", "content": [{"type": "text", "text": "What is this?"}, PNG, PNG]}
    facts = shape(seen({"role": "system", "content": "Be brief."}, pictures, tools=tools))
    assert facts.pop("tokens") > 3000
    assert facts == {
        "messages": 2,
        "turns": 1,
        "tools": 1,
        "images": 2,
        "codeShare": 0.0,
        "agentStep": 0,
        "toolLoop": 0,
    }


def test_steps_and_loops_count_from_the_latest_human_turn() -> None:
    before = ("hello", call("grep", "{}"), result("x"))
    steps = (
        call("grep", '{"q": 1}'),
        result("a"),
        call("read", "{}"),
        result("b"),
        call("grep", '{"q": 1}'),
        result("a"),
    )
    facts = shape(seen(*before, "go on then", *steps))
    assert (facts["agentStep"], facts["toolLoop"], facts["turns"]) == (3, 2, 2)
    assert shape(seen(*before, "go on then"))["toolLoop"] == 0


def test_the_same_arguments_to_another_tool_are_no_loop() -> None:
    assert shape(seen("go", call("a", "{}"), result("1"), call("b", "{}"), result("2")))["toolLoop"] == 1


def test_a_turn_of_harness_noise_is_no_human_turn() -> None:
    noise = "<system-reminder>be good</system-reminder>"
    assert shape(seen("go", call("a", "{}"), result("1"), noise))["agentStep"] == 1


def test_items_of_the_responses_endpoint_have_steps_and_failures() -> None:
    items = (
        b'{"role":"user","content":"go"},{"type":"function_call","name":"a","arguments":"{}","call_id":"1"},'
        b'{"type":"function_call_output","call_id":"1","output":"fine"},'
        b'{"type":"mcp_call","name":"b","arguments":"{}","error":"no route","server_label":"s"}'
    )
    view = Seen(read("Responses", b'{"model":"auto","input":[' + items + b"]}").view)
    assert shape(view)["toolLoop"] == 1
    found = ToolResultDetector("t", ToolResult()).detect(view)
    assert (found.matched, found.values) == (True, {"results": 2, "failures": 1, "streak": 1})


def test_token_ids_have_tokens_and_no_code_share() -> None:
    view = Seen(read("Completions", b'{"model":"auto","prompt":[1,2,3]}').view)
    facts = shape(view)
    assert facts["tokens"] == 3
    assert "codeShare" not in facts


@pytest.mark.parametrize(
    "line",
    [
        *("def f(x):", "    return self.x", "import os", "from a.b import c", "class A(B):", "if x == 1:", "x = 5"),
        *(
            "for (int i = 0; i < n; i++) {",
            "}",
            "});",
            "const a = require('b');",
            "public static void main(String[] a) {",
        ),
        *(
            "#include <stdio.h>",
            "fn main() {",
            "SELECT a FROM b WHERE c = 1",
            "<div class='a'>",
            "$ ls -la",
            ">>> f(1)",
        ),
        *('  File "a.py", line 3, in f', "ValueError: bad value", "    at A.b(C.java:12)", '  "key": "value",'),
        *("export default function App() {", "PATH=/usr/bin", "x.append(1)", "@decorator", "// a comment"),
    ],
)
def test_lines_of_programs_look_like_code(line: str) -> None:
    assert looks_like_code(line)


@pytest.mark.parametrize(
    "line",
    [
        *("Hello, how are you?", "I have a question: why is the sky blue?", "If it rains, we stay (as always)."),
        *("For example: apples, pears and plums.", "Class is at nine.", "Import duties rose by 5 %.", "Let me know"),
        *("- a list item", "1. First, do this", "Return the book to me tomorrow.", "Dear Sir or Madam,", "see (below)"),
        *("What does e = mc^2 mean?", "Bitte antworten Sie bis Freitag.", "请帮我写一封信。", "From London to Paris"),
    ],
)
def test_lines_of_prose_do_not(line: str) -> None:
    assert not looks_like_code(line)


def test_the_share_of_code_is_that_of_the_letters() -> None:
    assert share_of_code("Fix it:\n```\naaaaaa\n```") == 0.5
    assert share_of_code("") == 0.0
    assert share_of_code("x = 1\ny = 2\n") == 1.0
    assert share_of_code("```\nnever closed\nbut code") == 1.0


def test_a_rule_compares_the_shape() -> None:
    signals = [{"name": "s", "structure": {}}]
    rules = [{"name": "code", "when": "signals.s.codeShare > 0.3 && signals.s.turns == 1", "use": "all"}]
    policy = compiled(a_policy(signals=signals, rules=rules), {"default/small": a_pool()})
    assert decide(policy, chat("def f():\n    return 1")).record.rule == "code"
    record = decide(policy, chat("hello there")).record
    assert (record.rule, record.signals["s"].matched) == ("default", None)


@pytest.mark.parametrize(
    "text",
    [
        "Error: file not found",
        "error[E0382]: use of moved value",
        "fatal: not a git repository",
        'Traceback (most recent call last):\n  File "x", line 1\nValueError: x',
        "12 passed\nAssertionError: 1 != 2",
        "bash: foo: command not found",
        "ls: cannot access 'x': No such file or directory",
        "building\nProcess exited with code 2",
        "Exit code: 127",
        "thread 'main' panicked at src/main.rs:2",
        '{"error": "rate limited"}',
        '{"isError": true, "content": []}',
        '{"success": false}',
        '{"status": "failed"}',
        '{"exit_code": 1, "stdout": ""}',
        '{"status": 503}',
        "<tool_use_error>no such tool</tool_use_error>",
        "HTTP/1.1 500 Internal Server Error",
        "x" * 9000 + "\nKeyError: 'a'",
    ],
)
def test_a_result_that_tells_of_a_failure_has_failed(text: str) -> None:
    assert has_failed(Turn("tool", text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42",
        "All 12 tests passed, 0 errors",
        "Error handling is described in chapter 5.",
        '{"error": null, "result": 4}',
        '{"success": true}',
        '{"status": "ok", "exit_code": 0}',
        "exit code 0",
        "HTTP/1.1 200 OK",
        "def f():\n    raise ValueError('x')\n",
        "a" * 5000 + "\nTraceback (most recent call last)\n" + "b" * 5000,
        "[" * 100_000,
    ],
)
def test_a_result_that_only_speaks_of_errors_has_not(text: str) -> None:
    assert not has_failed(Turn("tool", text))


def test_failures_are_counted_in_scope_and_in_a_row() -> None:
    view = seen(
        "a", call("x", "1"), result("Error: 1"), "b", call("x", "2"), result("fine"), call("x", "3"), result("Error: 3")
    )
    latest = ToolResultDetector("t", ToolResult(failures=2)).detect(view)
    everything = ToolResultDetector("t", ToolResult(failures=2, scope="Conversation")).detect(view)
    assert (latest.matched, latest.values) == (False, {"results": 2, "failures": 1, "streak": 1})
    assert (everything.matched, everything.values) == (True, {"results": 3, "failures": 2, "streak": 1})


def again(*turns: str, **fields: Any) -> tuple[bool | None, dict[str, Any]]:
    record = ReaskDetector("r", Reask(**fields)).detect(seen(*turns))
    return record.matched, record.values or {}


def test_the_same_question_in_other_words_is_a_repetition() -> None:
    matched, facts = again("How do I reset my password on this site?", "how do i reset the password on this site")
    assert (matched, facts["verbatim"]) == (True, False)
    assert 0.0 < facts["distance"] < 0.45


def test_the_very_same_words_are_a_repetition_that_rules_can_leave_out() -> None:
    assert again("Fix the bug now.", "fix the bug now!") == (True, {"distance": 0.0, "verbatim": True})


@pytest.mark.parametrize(
    "turns",
    [
        ("hello there my friend",),
        ("How do I reset my password?", "What is the weather in Paris?"),
        ("yes", "yes"),
        ("go on", "go on"),
        ("How do I reset my password?", *("something else entirely, thanks",) * 4, "How do I reset my password?"),
    ],
)
def test_other_questions_short_replies_and_what_is_long_past_are_none(turns: tuple[str, ...]) -> None:
    matched, facts = again(*turns[:-1], turns[-1], lookback=3)
    assert matched is False or (facts["verbatim"] is True and turns[-1] == turns[-2])


def test_how_near_is_the_policys_to_say() -> None:
    pair = ("How do I reset my password?", "How can I reset the password?")
    assert again(*pair)[0] is False
    assert again(*pair, max_distance=0.6)[0] is True


def claims(value: str | None, *any_: str) -> Any:
    view = seen("hello", headers={} if value is None else {"x-groups": value})
    return ClaimsDetector("c", Claims(header="x-groups", any=list(any_))).detect(view)


def test_a_claim_is_one_of_the_values_that_the_policy_lists() -> None:
    record = claims("eng, admin other", "gold", "admin", "eng")
    assert (record.matched, record.label, record.labels) == (True, "admin", ("admin", "eng"))
    assert claims("enginr", "eng").matched is False
    assert claims("Gold", "gold").matched is False
    assert claims("two words", "two words").matched is True


def test_without_the_header_nothing_is_claimed() -> None:
    assert (claims(None, "gold").matched, claims("", "gold").matched) == (False, False)


def test_rules_ask_for_claims() -> None:
    signals = [{"name": "c", "claims": {"header": "x-plan", "any": ["gold", "free"]}}]
    rules = [{"name": "gold", "when": 'signals.c.matched && "gold" in signals.c.labels', "use": "all"}]
    policy = compiled(a_policy(signals=signals, rules=rules), {"default/small": a_pool()})
    assert decide(policy, chat("hi"), head=head(x_plan="gold")).record.rule == "gold"
    assert decide(policy, chat("hi"), head=head(x_plan="free")).record.rule == "default"
    assert (
        decide(policy, b'{"model":"auto","prompt":[1,2]}', head=head("/v1/completions", x_plan="gold")).record.rule
        == "gold"
    )


@given(st.lists(st.text(max_size=80), min_size=1, max_size=6))
def test_no_conversation_makes_any_of_them_fail(texts: list[str]) -> None:
    view = seen(*texts, call("x", texts[0]), result(texts[-1]), headers={"x-groups": texts[0]})
    StructureDetector("s", Structure()).detect(view)
    ToolResultDetector("t", ToolResult()).detect(view)
    ReaskDetector("r", Reask()).detect(view)
    ClaimsDetector("c", Claims(header="x-groups", any=["a"])).detect(view)
