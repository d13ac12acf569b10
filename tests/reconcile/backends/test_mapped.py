"""Without a cluster: forebay.yaml says where Services and InferencePools are."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from facts import POOL, SERVICE, pool_spec

from forebay_api.local import LocalConfig
from forebay_operator.backends.endpoint import Backend, Endpoint
from forebay_operator.backends.mapped import local_backends


def resolved(backend: dict[str, Any], **mapped: Any) -> Backend:
    local = msgspec.convert({"backends": mapped}, LocalConfig)
    return local_backends({"ai/p": pool_spec(**backend)}, local.backends)["ai/p"]


HERE = [{"host": "127.0.0.1", "port": 8000}, {"host": "gpu.internal", "port": 8001}]
FOUND = Backend((Endpoint("127.0.0.1", 8000), Endpoint("gpu.internal", 8001)))


@pytest.mark.parametrize("backend", [SERVICE, POOL], ids=["service", "inferencePool"])
@pytest.mark.parametrize("name", ["web", "ai/web"])
def test_a_reference_leads_where_forebay_yaml_says(backend: dict[str, Any], name: str) -> None:
    assert resolved(backend, **{name: HERE}) == FOUND


def test_the_full_name_counts_before_the_short_one() -> None:
    assert resolved(SERVICE, **{"web": [{"host": "::1", "port": 1}], "ai/web": HERE}) == FOUND
    other = {"service": {"name": "web", "namespace": "models", "port": 80}}
    assert resolved(other, **{"ai/web": HERE}).endpoints == ()


@pytest.mark.parametrize(
    ("backend", "field", "kind"), [(SERVICE, "service", "Service"), (POOL, "inferencePool", "InferencePool")]
)
def test_a_reference_that_is_not_mapped_says_where_to_map_it(backend: dict[str, Any], field: str, kind: str) -> None:
    (finding,) = resolved(backend).findings
    assert (finding.path, finding.reason) == (f"spec.backend.{field}.name", "ServiceNotFound")
    assert finding.message == f"there is no cluster here to find {kind} ai/web in: map it in forebay.yaml: backends.web"


def test_what_a_manifest_says_itself_needs_no_map() -> None:
    assert resolved({"addresses": HERE}) == FOUND
