"""What Envoy decides alone: explicit models, by the body's top level."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from forebay_operator.envoy.assemble import assemble

from ..builders import inputs, native, policy, pool
from ..harness import Rig, Upstream, running_rig

pytestmark = pytest.mark.envoy


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running_rig() as rig:
        small = rig.upstream()
        made = inputs(
            rig.port,
            (rig.processor.address,),
            {"ai/p": policy("small"), "ai/team": policy("small", attach={"pathPrefix": "/team/a"})},
            {"ai/small": pool(small.port)},
            native={"ai/p": (native(),), "ai/team": (native(),)},
        )
        rig.start(assemble(made))
        yield rig


@pytest.fixture
def small(rig: Rig) -> Upstream:
    rig.reset()
    return rig.upstreams[0]


def test_an_explicit_model_reaches_its_pool_without_asking_the_data_plane(rig: Rig, small: Upstream) -> None:
    answer = rig.chat({"model": "small"})
    print(answer.headers, answer.text)
    assert answer.status_code == 200
    assert rig.processor.streams == 0
    assert small.last.json == {"model": "small"}
