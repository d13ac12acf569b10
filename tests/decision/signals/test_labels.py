"""What a manifest says of labels is held against the models themselves, so that a typo is told before anything is loaded."""

from __future__ import annotations

from typing import get_args

import pytest
from builders import a_model, a_policy, a_pool

from forebay_api.signal import ClassifierModel
from forebay_decision.check import check_policy
from forebay_decision.signals.classifier.judges import JUDGES
from forebay_decision.signals.labels import SHIPPED
from forebay_models.heads.library import Library

POOLS = {"default/small": a_pool(a_model("m"))}


def told(signal: dict[str, object], when: str) -> list[str]:
    policy = a_policy(signals=[{"name": "s", **signal}], rules=[{"name": "r", "when": when, "use": "all"}])
    return [f"{finding.path}: {finding.message}" for finding in check_policy("default/p", policy, POOLS)]


@pytest.mark.parametrize("model", sorted(set(SHIPPED) - set(JUDGES), key=str))
def test_the_labels_that_rules_may_name_are_those_of_the_head_that_ships(model: str) -> None:
    manifest = Library().ship(model).manifest
    assert SHIPPED[model] == (("low", "medium", "high") if manifest.bands else manifest.labels)


def test_every_model_that_a_policy_may_name_has_known_labels() -> None:
    assert set(SHIPPED) == set(get_args(ClassifierModel))


@pytest.mark.parametrize(
    ("signal", "when", "message"),
    [
        ({"classifier": {"model": "domain", "labels": ["laws"]}}, "true", "no label 'laws'; did you mean 'law'?"),
        ({"classifier": {"model": "domain"}}, "signals.s.label == 'laww'", "no label 'laww'; did you mean 'law'?"),
        ({"classifier": {"model": "task"}}, "'cod' in signals.s.labels", "no label 'cod'; did you mean 'code'?"),
        ({"classifier": {"model": "risk"}}, "signals.s.scores['hgh'] > 0.5", "no label 'hgh'; did you mean 'high'?"),
        ({"language": {"is": ["fr"]}}, "signals.s.label == 'french'", "no label 'french'; there are aa, ab, "),
    ],
)
def test_a_label_that_a_model_does_not_have_is_told_where_the_manifest_is_read(
    signal: dict[str, object], when: str, message: str
) -> None:
    (found,) = told(signal, when)
    assert message in found


def test_labels_of_a_model_of_ones_own_are_for_the_data_plane_to_know() -> None:
    artifact = {"path": "x.head", "digest": "sha256:" + "0" * 64}
    assert told({"classifier": {"artifact": artifact, "labels": ["any"]}}, "signals.s.label == 'thing'") == []
