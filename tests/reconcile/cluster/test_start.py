"""How an operator in a cluster starts, and why it does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from forebay_operator.cluster.app import ClusterOperator
from forebay_operator.options import ClusterOptions, ConfigUnusable, Options

TWICE = """
listeners:
- port: 10080
  jwt:
    providers:
    - {name: corp, issuer: "https://a.example", audiences: [x], jwks: {inline: "{}"}}
    - {name: corp, issuer: "https://b.example", audiences: [x], jwks: {inline: "{}"}}
"""


@pytest.mark.parametrize(("text", "why"), [(TWICE, "corp"), ("listeners: [", "forebay.yaml"), (None, "No such file")])
async def test_no_other_listeners_are_published_than_those_that_were_asked_for(
    tmp_path: Path, text: str | None, why: str
) -> None:
    config = tmp_path / "forebay.yaml"
    if text is not None:
        config.write_text(text)
    cluster = ClusterOptions(namespace="forebay", config=config, kubeconfig=tmp_path / "none")
    operator = ClusterOperator(Options(cluster=cluster, listen=("127.0.0.1:0",)), cluster)

    with pytest.raises(ConfigUnusable, match=why):
        async with asyncio.timeout(10):
            await operator.run(asyncio.Event())
