"""Manifests load object by object; what is wrong with one has a line, a path and a way to mend it."""

from __future__ import annotations

import msgspec
import pytest

from forebay_api.base import API_VERSION
from forebay_api.manifest import ManifestError, load_manifests
from forebay_api.policy import RoutingPolicy
from forebay_api.policy_data import ConfigMap
from forebay_api.pool import ModelPool

POOL = f"""\
apiVersion: {API_VERSION}
kind: ModelPool
metadata: {{name: small, namespace: ai}}
spec:
  backend: {{addresses: [{{host: 10.0.0.7, port: 8000}}]}}
  models: [{{name: small}}]
"""
POLICY = f"""\
apiVersion: {API_VERSION}
kind: RoutingPolicy
metadata: {{name: assistant}}
spec:
  strategies: [{{name: economical, direct: {{pools: [{{name: small}}]}}}}]
  default: {{use: economical}}
"""
BROKEN = POLICY.replace("default:", "defualt:").replace("assistant", "broken")


def refusals(text: str | bytes) -> list[ManifestError]:
    return [error for error in load_manifests(text, "a.yaml")[1] if error.severity == "Error"]


def warnings(text: str) -> list[ManifestError]:
    return [error for error in load_manifests(text, "a.yaml")[1] if error.severity == "Warning"]


CONFIG_MAP = """apiVersion: v1
kind: ConfigMap
metadata: {name: words, labels: {forebay.dev/policy-data: ""}, annotations: {by: somebody}}
"""


def test_a_labelled_config_map_is_read_by_its_name_and_content() -> None:
    binary = "binaryData:\n  a.head: |\n    QUJD\n    REVG\n"
    (made,), errors = load_manifests(f"{CONFIG_MAP}data: {{a: one, b.txt: two}}\n{binary}", "a.yaml")

    assert errors == []
    assert isinstance(made, ConfigMap)
    assert (made.data, made.binary_data) == ({"a": "one", "b.txt": "two"}, {"a.head": b"ABCDEF"})
    assert (made.metadata.namespace, made.metadata.labels) == ("default", {})


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("data: {a: 5}", "data.a", "must be text"),
        ("data: [a]", "data", "must be a mapping of fields"),
        ("dta: {a: b}", "dta", 'did you mean "data"?'),
        ("binaryData: {a.head: AAA}", 'binaryData["a.head"]', "must be base64"),
        ("binaryData: {a.head: Zähne}", 'binaryData["a.head"]', "must be base64"),
    ],
)
def test_a_labelled_config_map_is_read_as_strictly_as_an_api_server_does(text: str, path: str, said: str) -> None:
    objects, (error,) = load_manifests(f"{CONFIG_MAP}{text}\n", "a.yaml")

    assert objects == []
    assert (error.path, error.line) == (path, 4)
    assert said in error.message


def test_a_config_map_may_have_a_longer_name_than_our_kinds() -> None:
    assert load_manifests(CONFIG_MAP.replace("words", "w" * 253), "a.yaml")[1] == []
    (error,) = refusals(CONFIG_MAP.replace("words", "w" * 254))
    assert error.path == "metadata.name"


def test_objects_of_both_kinds_come_in_the_order_of_the_text() -> None:
    objects, errors = load_manifests(f"{POOL}---\n{POLICY}", "a.yaml")

    assert errors == []
    assert [type(made) for made in objects] == [ModelPool, RoutingPolicy]
    assert [made.metadata.namespace for made in objects] == ["ai", "default"]


def test_an_error_reads_like_a_compilers() -> None:
    first = refusals(f"{POOL}---\n{BROKEN}")[-1]

    assert str(first) == (
        'a.yaml:13: RoutingPolicy default/broken: spec.defualt: unknown field: did you mean "default"?'
    )
    assert (first.source, first.line, first.path) == ("a.yaml", 13, "spec.defualt")


@pytest.mark.parametrize(
    "broken",
    [BROKEN, "a: [1, 2", "- a list", "text", "a: &a [*a]", "kind: 5", "metadata: {name: [x]}", "a: 1\na: 2"],
)
def test_one_bad_document_is_refused_alone(broken: str) -> None:
    objects, errors = load_manifests(f"{POOL}---\n{broken}\n---\n{POLICY}", "a.yaml")

    assert [made.metadata.name for made in objects] == ["small", "assistant"]
    assert errors
    assert all(8 <= (error.line or 0) <= 15 for error in errors)


def test_all_errors_of_an_object_come_at_once() -> None:
    text = POOL.replace("port: 8000", "port: 0").replace("name: small}]", "name: small, contextTokens: many}]")

    assert [error.path for error in refusals(text)] == [
        "spec.backend.addresses[0].port",
        "spec.models[0].contextTokens",
    ]


def test_errors_of_one_object_are_bounded() -> None:
    text = POOL.replace("models:", "".join(f"x{n}: 1\n  " for n in range(500)) + "models:")

    errors = refusals(text)

    assert len(errors) == 51
    assert errors[-1].message == "has more errors: mend these first"


def test_rules_between_fields_speak_beside_other_errors() -> None:
    text = POLICY + "  signals: [{name: a}]\n  rules: [{name: a, wen: x}]\n"

    assert [error.path for error in refusals(text)] == ["spec.rules[0].when", "spec.rules[0].wen", "spec.signals[0]"]


def test_nothing_is_said_between_fields_that_are_wrong_themselves() -> None:
    text = POLICY + "  signals: [{name: a, keyword: 3, regex: 4}]\n"

    assert [error.path for error in refusals(text)] == ["spec.signals[0].keyword", "spec.signals[0].regex"]


def test_an_object_that_stands_twice_is_refused_the_second_time() -> None:
    objects, (error,) = load_manifests(f"{POOL}---\n{POOL}", "a.yaml")

    assert len(objects) == 1
    assert (error.path, error.line) == ("metadata.name", 10)
    assert "first at line 3" in error.message


def test_a_name_may_stand_in_two_namespaces_and_kinds() -> None:
    elsewhere = POOL.replace("namespace: ai", "namespace: lab")
    namesake = POLICY.replace("assistant", "small")

    assert len(load_manifests(f"{POOL}---\n{elsewhere}---\n{namesake}", "a.yaml")[0]) == 3


def test_objects_of_other_groups_are_passed_over_with_a_word() -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\n---\n{POOL}"

    objects, (note,) = load_manifests(text, "a.yaml")

    assert len(objects) == 1
    assert note.severity == "Warning"
    assert str(note) == "a.yaml:2: ConfigMap default/x: kind: passed over: v1 ConfigMap is not Forebay's"


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        (API_VERSION, "forebay.dev/v1beta1", "apiVersion", f"must be {API_VERSION}"),
        (API_VERSION, "forbay.dev/v1alpha1", "apiVersion", f"must be {API_VERSION}"),
        (f"apiVersion: {API_VERSION}\n", "", "apiVersion", f"must be {API_VERSION}"),
        ("kind: ModelPool\n", "", "kind", "forebay.dev has no such kind"),
        ("ModelPool", "ModelPools", "kind", 'forebay.dev has no such kind: did you mean "ModelPool"?'),
        ("{name: small, namespace: ai}", "", "metadata", "is required"),
        ("name: small, ", "", "metadata.name", "is required"),
        ("name: small, ", "generateName: small-, ", "metadata.name", "is required"),
        ("namespace: ai", "namespace: a.b", "metadata.namespace", "must look like ai or team-a"),
    ],
)
def test_whose_object_it_is_must_be_said(old: str, new: str, path: str, message: str) -> None:
    (error,) = refusals(POOL.replace(old, new, 1))

    assert error.path == path
    assert message in error.message


def test_lists_as_kubectl_prints_them_are_refused_so_that_nothing_is_lost_in_silence() -> None:
    (error,) = refusals("apiVersion: v1\nkind: List\nitems: []\n")

    assert error.path == "items"


def test_an_object_saved_from_a_cluster_loads_and_its_status_is_dropped() -> None:
    saved = POOL.replace(
        "metadata: {name: small, namespace: ai}",
        "metadata:\n  name: small\n  creationTimestamp: 2026-01-02T03:04:05Z\n  generation: 7\n  uid: 1f\n"
        '  resourceVersion: "12"\n  managedFields: [{manager: kubectl, fieldsV1: {"f:spec": {}}}]',
    )

    (pool,), errors = load_manifests(saved + "status: {conditions: []}\n", "a.yaml")

    assert errors == []
    assert pool.status is None
    assert pool.metadata.generation == 7
    assert pool.metadata.creation_timestamp == "2026-01-02T03:04:05Z"


def test_off_is_a_level_and_kubectl_is_warned_of() -> None:
    text = POLICY.replace("direct:", "reasoning: Off, direct:")

    (policy,), (note,) = load_manifests(text, "a.yaml")

    assert isinstance(policy, RoutingPolicy)
    assert policy.spec.strategies[0].reasoning == "Off"
    assert (note.severity, note.path, note.line) == ("Warning", "spec.strategies[0].reasoning", 5)
    assert '"Off" in quotes' in note.message


def test_off_may_be_a_key() -> None:
    text = POOL.replace(
        "{name: small}]", "{name: small, reasoning: {parameter: ChatTemplateKwargs, levels: {'Off': {think: no}}}}]"
    )

    (pool,), _ = load_manifests(text, "a.yaml")

    assert isinstance(pool, ModelPool)
    assert pool.spec.models[0].reasoning is not None
    assert pool.spec.models[0].reasoning.levels == {"Off": {"think": "no"}}


def test_an_error_through_an_alias_points_at_where_the_alias_is_used() -> None:
    text = POOL.replace("{name: small}]", "&m {name: small}, \n    *m]")

    (error,) = refusals(text)

    assert (error.path, error.line) == ("spec.models[1].name", 7)


def test_a_final_line_break_is_no_part_of_a_name() -> None:
    (error,) = refusals(POOL.replace("host: 10.0.0.7", 'host: "10.0.0.7\\n"'))

    assert error.path == "spec.backend.addresses[0].host"


def test_long_values_are_cut_short_in_messages() -> None:
    errors = refusals(POLICY.replace("use: economical", f"use: {'X' * 10_000}"))

    assert all(len(str(error)) < 300 for error in errors)


def test_broken_documents_are_named_as_far_as_they_were_read() -> None:
    (error,) = refusals(POOL + "  models: []\n")

    assert (error.name, error.path, error.line) == ("ModelPool ai/small", "spec.models", 7)


def test_an_object_without_a_kind_is_named_without_one() -> None:
    (error,) = refusals("metadata: {name: p}\nspec: {}\n")
    assert str(error) == "a.yaml:1: default/p: apiVersion: is required, as text"


@pytest.mark.parametrize("text", ["admin: {address: {}}\nstatic_resources: {}\n", "on: push\njobs: {}\n"])
def test_what_is_no_object_at_all_is_passed_over_like_objects_of_others(text: str) -> None:
    objects, (said,) = load_manifests(text + "---\n" + POOL, "a.yaml")
    assert len(objects) == 1
    assert (said.severity, said.line, said.message) == (
        "Warning",
        1,
        "passed over: this is no object of Kubernetes: it has neither apiVersion nor kind",
    )


@pytest.mark.parametrize("text", ["apiversion: forebay.dev/v1alpha1\n", "Spec: {}\n", "items: []\n"])
def test_what_may_have_been_meant_as_one_is_refused(text: str) -> None:
    (error,) = refusals(text)
    assert (error.severity, error.path) == ("Error", "apiVersion")


def test_a_tab_that_indents_is_called_one() -> None:
    (error,) = refusals("metadata:\n\tname: p\n")
    assert (error.line, error.message.endswith("at column 1, a tab: indent with spaces")) == (2, True)


def test_bytes_are_utf_8_with_or_without_a_mark() -> None:
    assert len(load_manifests(b"\xef\xbb\xbf" + POOL.encode(), "a.yaml")[0]) == 1

    (error,) = refusals(POOL.encode() + b"# \xff\n")

    assert (error.line, error.message) == (7, "not UTF-8: save the file in that encoding")


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n---\n", "---\n# nothing\n---\n~\n"])
def test_nothing_is_no_error(text: str) -> None:
    assert load_manifests(text, "a.yaml") == ([], [])


@pytest.mark.parametrize(
    "text", ["---\na: 1\n" * 1001, "#" * (16 << 20) + "\n" + POOL], ids=["documents", "characters"]
)
def test_huge_sources_are_refused_as_a_whole(text: str) -> None:
    objects, (error,) = load_manifests(text, "a.yaml")

    assert objects == []
    assert "at most" in error.message


def test_an_error_is_data() -> None:
    (error,) = refusals(POOL.replace("port: 8000", "port: 0"))

    assert msgspec.to_builtins(error) == {
        "source": "a.yaml",
        "line": 5,
        "name": "ModelPool ai/small",
        "path": "spec.backend.addresses[0].port",
        "message": "must be at least 1, not 0",
        "severity": "Error",
    }


def test_a_policy_of_the_largest_size_is_checked_whole() -> None:
    strategies = "".join(f"  - {{name: s{n}, direct: {{pools: [{{name: small}}]}}}}\n" for n in range(32))
    rules = "".join(f"  - {{name: r{n}, when: 'true', use: s{n % 32}}}\n" for n in range(127))
    head = POLICY[: POLICY.index("  strategies")]
    text = f"{head}  strategies:\n{strategies}  default: {{use: s31}}\n  rules:\n{rules}"

    assert refusals(text + "  - {name: r127, when: 'true', use: s0}\n") == []
    assert [error.path for error in refusals(text + "  - {name: r3, when: 'true', use: s32}\n")] == [
        "spec.rules[127].use",
        "spec.rules[127].name",
    ]


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "gpu-1:8000", "[::1]", "http://10.0.0.7"])
def test_a_port_or_a_scheme_in_a_host_is_refused(host: str) -> None:
    (error,) = refusals(POOL.replace("10.0.0.7", f'"{host}"'))
    assert (error.path, "must look like 10.0.0.7 or gpu-1.internal" in error.message) == (
        "spec.backend.addresses[0].host",
        True,
    )


@pytest.mark.parametrize("host", ["10.0.0.7", "gpu-1.internal", "::1", "fd00::7", "::ffff:10.0.0.7"])
def test_names_and_addresses_of_both_versions_are_hosts(host: str) -> None:
    assert not refusals(POOL.replace("10.0.0.7", f'"{host}"'))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "models: [{name: small}]",
            "models: [{name: small}]\n  resilience: {requestTimeout: 30}",
            "must look like 500ms or 20s",
        ),
        ("models: [{name: small}]", "models: [{name: small, contextTokens: 8k}]", 'must be a whole number, not "8k"'),
        (
            "models: [{name: small}]",
            "models: [{name: small}]\n  telemetry: {engine: 1}",
            "1 is not one of its values: choose from",
        ),
        ("models: [{name: small}]", "models: [{name: 42}]", 'must be text: write it in quotes, "42"'),
    ],
)
def test_the_fix_that_is_named_mends_it(old: str, new: str, said: str) -> None:
    (error,) = refusals(POOL.replace(old, new))
    assert said in error.message


@pytest.mark.parametrize(
    "text",
    [
        POOL.replace("port: 8000", 'port: "{{ .Values.port }}"'),
        POOL.replace("port: 8000", "port: ${PORT}"),
        POOL.replace("port: 8000", "port: {{ .Values.port }}"),
        POOL.replace("name: small", 'name: "{{ .Release.Name }}"', 1),
        "{{- if .Values.pools }}\n" + POOL,
        POOL + "{{- end }}\n",
        POOL + "  {% if a %}\n",
    ],
)
def test_a_template_that_nobody_rendered_is_told_so(text: str) -> None:
    assert any("a template has to be rendered first" in error.message for error in refusals(text))


def test_a_strategy_that_is_misspelt_is_told_which_is_meant() -> None:
    text = POLICY.replace("default: {use: economical}", "default: {use: economic}")
    assert [
        (error.path, error.message) for error in refusals(f"{text}  rules: [{{name: a, when: 'true', use: x}}]\n")
    ] == [
        ("spec.default.use", 'default.use names no strategy of spec.strategies: did you mean "economical"?'),
        ("spec.rules[0].use", "a rule's use names no strategy of spec.strategies: choose from economical"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (POOL.replace("spec:\n", "spec:\n<<<<<<< HEAD\n"), "an unresolved conflict of git's"),
        (POOL + "---\n\ufeff" + POLICY, "a byte order mark stands inside the text: take it out"),
    ],
)
def test_what_tools_leave_in_a_text_is_told_by_name(text: str, said: str) -> None:
    assert any(error.message.endswith(said) for error in refusals(text))


def test_fields_are_told_where_a_text_stands_in_place_of_them() -> None:
    (error,) = refusals(POLICY.replace("pools: [{name: small}]", "pools: [small]"))
    assert error.message == "must be a mapping of fields (name, model, weight), not text"


def test_a_kind_of_any_length_is_cut_short() -> None:
    (error,) = refusals(POOL.replace("ModelPool", "R" * 5000))
    assert len(str(error)) < 300
