"""A pool that is deleted and still in use goes on as it was: with its servers, and with its credential."""

from __future__ import annotations

from typing import Any

import msgspec

from forebay_api.local import Listener
from forebay_operator.backends.fixed import fixed_backends
from forebay_operator.core import Core
from forebay_operator.envoy.inputs import DataPlane
from forebay_operator.gather import Inputs
from forebay_operator.publication import Surface
from forebay_operator.references.secrets import Credentials, SecretText
from forebay_operator.xds import XdsServer

Build = Any
SURFACE = Surface((Listener(),), DataPlane(("127.0.0.1:1",)))
CREDENTIALS = [{"secretRef": {"name": "s", "key": "k"}}]


def inputs(build: Build, *objects: Any, credential: str | None = None) -> Inputs:
    made = build.inputs(*objects)
    values = {} if credential is None else {name: SecretText(credential) for name in made.pools}
    backends = fixed_backends({name: pool.spec for name, pool in made.pools.items()})
    return msgspec.structs.replace(made, backends=backends, credentials=Credentials(values, {}))


def test_a_detained_pool_keeps_its_credential_until_no_policy_names_it(build: Build) -> None:
    pool = build.pool("p", credentials=CREDENTIALS)
    policy = build.policy("first", strategies=[{"name": "plain", "direct": {"pools": [{"name": "p"}]}}])
    core = Core(XdsServer())
    core.reconcile(inputs(build, pool, policy, credential="token"), SURFACE, {})
    prepared = core.prepare(inputs(build, policy), SURFACE, frozenset())
    assert list(prepared.verdicts.detained) == ["ai/p"]
    assert prepared.envoy.secrets == {"ai/p": "token"}
    core.publish(prepared, {})
    released = core.prepare(inputs(build), SURFACE, frozenset())
    assert (released.verdicts.detained, released.envoy.secrets) == ({}, {})
