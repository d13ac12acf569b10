"""What harnesses put into a user's turn is left out, and nothing else is."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay_decision.dialects.openai.noise import ELEMENTS, FENCES, Openings, strip_noise


@pytest.mark.parametrize("name", ELEMENTS)
def test_a_harness_element_is_left_out(name: str) -> None:
    assert strip_noise(f"Fix it.\n<{name}>\nlots\nof < and >\n</{name}>\n") == "Fix it."
    assert strip_noise(f'<{name} path="a.py">x</{name}>Fix it.<{name}>y</{name}>') == "Fix it."


@pytest.mark.parametrize("name", FENCES)
def test_a_fenced_tool_dump_is_left_out(name: str) -> None:
    assert strip_noise(f"Why?\n```{name}\nTraceback\n```\nThanks") == "Why?\n\nThanks"
    assert strip_noise(f"Why?\n````{name}\n```\nnested\n```\n````") == "Why?"
    assert strip_noise(f"```{name}\n```") == ""


@pytest.mark.parametrize(
    "text",
    [
        "1 < 2 and 3 > 2",
        "<system-reminder> is a tag that Claude Code writes",
        "</system-reminder>",
        "<system-reminders>x</system-reminders>",
        "<task>Fix it.</task>",
        "```python\nprint()\n```",
        "```tool_output\nnever closed",
        "the ``` fence",
    ],
)
def test_the_persons_own_words_stay(text: str) -> None:
    assert strip_noise(text) == text


def test_an_unclosed_block_does_not_hide_a_closed_one_of_another_name() -> None:
    assert strip_noise("<user_info> a <system-reminder>x</system-reminder> b") == "<user_info> a  b"


TOKENS = st.sampled_from(
    [
        "<system-reminder>",
        "</system-reminder>",
        "<tool_result>",
        "</tool_result>",
        "```tool_output\n",
        "\n```",
        "a",
        " ",
    ]
)


@given(st.lists(TOKENS, max_size=12).map("".join))
def test_stripping_only_ever_removes_and_settles(text: str) -> None:
    once = strip_noise(text)
    rest = iter(text)
    assert all(c in rest for c in once)


@pytest.mark.parametrize(
    "unit", ["<system-reminder>", "<system-reminder ", "```tool_output\n", "<", "</tool_result>", "`"]
)
def test_hostile_text_takes_no_more_than_linear_time(unit: str) -> None:
    # 2 MB: quadratic work would run into the suite's time-out.
    text = unit * (2_000_000 // len(unit))
    assert strip_noise(text) == text.strip()


@pytest.mark.parametrize("block", ["<user_info >", "<user_info ></user_info>", "\n```tool_output\n```"])
def test_a_text_of_nothing_but_openings_is_looked_at_so_far_and_no_further(block: str) -> None:
    text = block * (8 * 2**20 // len(block))
    started = time.process_time()
    assert strip_noise(text + "the end").endswith("the end")
    assert time.process_time() - started < 0.3


def test_openings_are_counted_over_all_turns() -> None:
    openings = Openings(2)
    noisy = "<user_info></user_info>mine"
    assert [strip_noise(noisy, openings) for _ in range(3)] == ["mine", "mine", noisy]
