"""The operator's core: gather -> checks -> assemble -> publish, whatever the source of its objects.

It has one writer (the loop that calls it) and no I/O of its own but the xDS server it publishes to.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from forebay_api.status import PolicyStatus, PoolStatus
from forebay_api.wire import PoolState
from forebay_decision.native import saturated_pools
from forebay_operator.backends.endpoint import NOWHERE, Backends
from forebay_operator.check_memory import CheckMemory
from forebay_operator.checks import judge
from forebay_operator.envoy.assemble import assemble
from forebay_operator.envoy.inputs import EnvoyInputs
from forebay_operator.gather import Inputs
from forebay_operator.lastgood.shards import without_credentials
from forebay_operator.publication import (
    Surface,
    bridge,
    combined,
    data_plane_resources,
    envoy_inputs,
    state_resources,
)
from forebay_operator.resources import Snapshot
from forebay_operator.verdict import NOTHING_JUDGED, Verdicts
from forebay_operator.xds.server import XdsServer

EMPTY = Snapshot({})


class Statuses(msgspec.Struct, frozen=True):
    """The status of every object, by ``namespace/name``."""

    policies: Mapping[str, PolicyStatus] = {}
    pools: Mapping[str, PoolStatus] = {}


class Prepared(msgspec.Struct, frozen=True):
    """One reconcile, ready to be published."""

    verdicts: Verdicts
    backends: Backends
    envoy: EnvoyInputs
    resources: Snapshot
    ours: Snapshot
    bridge: Snapshot | None = None


class Core:
    """Keeps what was last judged and published, so that a change sends what changed and nothing else."""

    def __init__(self, server: XdsServer) -> None:
        self._server = server
        self._check = CheckMemory()
        self._envoy: EnvoyInputs | None = None
        self._resources = EMPTY
        self._ours = EMPTY
        self.verdicts: Verdicts = NOTHING_JUDGED
        self.backends: Backends = {}
        """Of every pool that goes out."""
        self.revision = ""

    def reconcile(self, inputs: Inputs, surface: Surface, states: Mapping[str, PoolState]) -> None:
        """Judge everything anew and publish what follows from it."""
        self.publish(self.prepare(inputs, surface, saturated_pools(states)), states)

    def prepare(self, inputs: Inputs, surface: Surface, saturated: frozenset[str]) -> Prepared:
        """The costly part, which may run on another thread: changes nothing that anyone can see, one call at a time."""
        verdicts = judge(inputs, self.verdicts, check=self._check)
        # A pool that is deleted and still in use was gathered for the last time before that was known.
        known = {**self.backends, **inputs.backends}
        backends = {name: known.get(name, NOWHERE) for name in verdicts.accepted_pools()}
        wanted = envoy_inputs(inputs, verdicts, backends, surface, saturated)
        resources, between = self._resources, None
        if wanted != self._envoy:
            if self._envoy is not None and self._envoy.policies:
                between = bridge(self._envoy, wanted)
            resources = assemble(wanted)
        ours = Snapshot.of(data_plane_resources(verdicts.accepted_policies(), verdicts.accepted_pools()))
        return Prepared(verdicts, backends, wanted, resources, ours, between)

    def publish(self, prepared: Prepared, states: Mapping[str, PoolState]) -> None:
        """Make it what everyone is to have."""
        self.verdicts = prepared.verdicts
        self.backends = prepared.backends
        self._envoy = prepared.envoy
        self._resources, self._ours = prepared.resources, prepared.ours
        self._publish(states, prepared.bridge)

    def kept(self) -> tuple[Snapshot, Snapshot] | None:
        """What to start from without an operator: Envoy's resources as if no credential were there, and the data
        plane's; None before anything was published. Costly: for another thread."""
        if self._envoy is None:
            return None
        return assemble(without_credentials(self._envoy)), self._ours

    def tell_states(self, states: Mapping[str, PoolState]) -> None:
        """Publish pool states alone; they wait for nothing."""
        if self._envoy is not None:
            self._publish(states, None)

    def _publish(self, states: Mapping[str, PoolState], between: Snapshot | None) -> None:
        snapshot = combined(self._resources, self._ours, Snapshot.of(state_resources(states)))
        self.revision = self._server.publish(snapshot, bridge=between)
