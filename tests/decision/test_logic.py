"""The split of conditions into leaves changes no result: CEL over everything and the split agree, known or not."""

from __future__ import annotations

from typing import Any

import pytest
from cel_expr_python import cel
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay_decision.policy.logic import Comparison, Leaf, split

T = cel.Type
VARIABLES = {
    "signals.a.matched": T.BOOL,
    "signals.b.matched": T.BOOL,
    "signals.b.score": T.DOUBLE,
    "signals.b.label": T.STRING,
    "request.promptTokens": T.INT,
    "request.model": T.STRING,
    "request.stream": T.BOOL,
    "request.tools": T.List(T.STRING),
}
ENVIRONMENT = cel.NewEnv(variables=VARIABLES)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "signals.a.matched": st.booleans(),
        "signals.b.matched": st.booleans(),
        "signals.b.score": st.floats(allow_nan=False),
        "signals.b.label": st.sampled_from(["math", "code", "é", "𝄞", ""]),
        "request.promptTokens": st.integers(-(2**63), 2**63 - 1),
        "request.model": st.sampled_from(["auto", "x", "\uffff", "𝄞"]),
        "request.stream": st.booleans(),
        "request.tools": st.lists(st.sampled_from(["f", "g"]), max_size=2),
    },
)
COMPARISONS = st.one_of(
    st.builds(
        "{} {} {}".format,
        st.sampled_from(["request.promptTokens"]),
        st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
        st.integers(-(2**31), 2**31).map(lambda n: f"({n})" if n < 0 else str(n)),
    ),
    st.builds("{} {} request.promptTokens".format, st.integers(0, 100), st.sampled_from(["<", "<=", ">", ">="])),
    st.builds(
        "signals.b.score {} {}".format, st.sampled_from(["==", "<", ">="]), st.sampled_from(["0.5", "1.0", "-0.0"])
    ),
    st.builds(
        "{} {} {}".format,
        st.sampled_from(["signals.b.label", "request.model"]),
        st.sampled_from(["==", "!=", "<", ">="]),
        st.sampled_from(["'math'", "'é'", "'\\uffff'", "'𝄞'", "''"]),
    ),
)
LEAVES = st.one_of(
    COMPARISONS,
    st.sampled_from(
        [
            "signals.a.matched",
            "signals.b.matched",
            "request.stream",
            "true",
            "false",
            "request.tools.size() > 1",
            "'f' in request.tools",
            "signals.b.label in ['math', 'é']",
            "1 / request.promptTokens > 0",
            "(request.stream ? signals.a.matched : signals.b.matched)",
            "request.tools.exists(t, t == 'g' && signals.a.matched)",
            "request.tools[0] == 'f'",
        ]
    ),
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
    ),
    max_leaves=6,
)


class Known:
    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def evaluate(self, leaf: Leaf) -> bool | None:
        value = leaf.program.eval(data=self.values).plain_value()
        return value if value is True or value is False else None


@settings(max_examples=600, deadline=None)
@given(EXPRESSIONS, VALUES)
def test_the_split_and_cel_agree(text: str, values: dict[str, Any]) -> None:
    program = ENVIRONMENT.compile(text)
    whole = program.eval(data=values).plain_value()
    expected = whole if whole is True or whole is False else None
    assert split(program.serialize(), ENVIRONMENT).truth(Known(values)) is expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("signals.a.matched", Comparison),
        ("request.promptTokens > 5", Comparison),
        ("5 < request.promptTokens", Comparison),
        ("request.model == 'x'", Comparison),
        ("signals.b.score >= 0.5", Comparison),
        ("request.tools.size() > 0", Leaf),
        ("request.promptTokens > request.promptTokens", Leaf),
    ],
)
def test_only_what_compares_with_a_literal_of_its_own_type_leaves_cel_out(text: str, kind: type) -> None:
    try:
        program = ENVIRONMENT.compile(text)
    except RuntimeError:
        pytest.skip("this CEL does not compare across types")
    assert isinstance(split(program.serialize(), ENVIRONMENT), kind)


@settings(max_examples=200, deadline=None)
@given(EXPRESSIONS, VALUES)
def test_wanted_names_a_signal_whenever_one_could_still_settle_the_whole(text: str, values: dict[str, Any]) -> None:
    node = split(ENVIRONMENT.compile(text).serialize(), ENVIRONMENT)
    known = Known(values)
    wanted = set(node.wanted(known))
    assert wanted <= {"a", "b"}
    if node.truth(known) is None and not wanted:
        complete = {"signals.a.matched": True, "signals.b.matched": True, "signals.b.score": 0.1, "signals.b.label": ""}
        assert node.truth(Known(complete | values)) is None
