"""The operator's core: gather -> checks -> assemble -> publish, whatever the source of its objects.

It has one writer (the loop that calls it) and no I/O of its own but the xDS server it publishes to.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.status import PolicyStatus, PoolStatus
from forebay_api.wire import PoolState
from forebay_decision.native import saturated_pools
from forebay_operator.backends.endpoint import NOWHERE, Backends
from forebay_operator.envoy.assemble import assemble
from forebay_operator.envoy.inputs import DataPlane, EnvoyInputs
from forebay_operator.gather import Inputs
from forebay_operator.judgement.blame import Blame, find_blame
from forebay_operator.judgement.check_memory import CheckMemory
from forebay_operator.judgement.checks import judge
from forebay_operator.judgement.verdict import NOTHING_JUDGED, PolicyVerdict, PoolVerdict, Statement, Verdicts
from forebay_operator.lastgood.shards import without_operator
from forebay_operator.publication import (
    Surface,
    bridge,
    combined,
    data_plane_resources,
    envoy_inputs,
    same_routing,
    state_resources,
)
from forebay_operator.resources import Snapshot
from forebay_operator.xds.server import XdsServer
from forebay_operator.xds.sizes import check_sizes

_FINE: Final = Statement("Accepted", "True", "Accepted")
_LOG = logging.getLogger(__name__)


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
        self._blame = Blame()
        self._last: Prepared | None = None
        """What is published."""
        self._recalled: Verdicts = NOTHING_JUDGED
        self.verdicts: Verdicts = NOTHING_JUDGED
        self.backends: Backends = {}
        """Of every pool that goes out."""
        self.revision = ""

    def recall(self, policies: Mapping[str, PolicySpec]) -> None:
        """These an operator before this one has published: they are last good versions until something is published."""
        self._recalled = Verdicts({name: PolicyVerdict(name, 0, _FINE, _FINE, spec) for name, spec in policies.items()})

    def reconcile(self, inputs: Inputs, surface: Surface, states: Mapping[str, PoolState]) -> None:
        """Judge everything anew and publish what follows from it."""
        self.publish(self.prepare(inputs, surface, saturated_pools(states)), states)

    def prepare(self, inputs: Inputs, surface: Surface, saturated: frozenset[str]) -> Prepared:
        """The costly part, which may run on another thread: changes nothing that anyone can see, one call at a time.

        An object of which no resources can be made stays as it was published, or out, and its verdict says so. Raises
        where everything fails, or no object alone is to blame.
        """
        self._blame = self._blame.still(inputs)
        verdicts, spared = self._judge(inputs)
        try:
            return self._make(spared, verdicts, surface, saturated)
        except Exception:
            blame = find_blame(
                verdicts, self._backends_of(verdicts, spared), self.verdicts, self.backends, _maker(spared)
            )
            if blame == Blame():
                raise
            _LOG.info("everything else is published")
        self._blame = Blame({**self._blame.policies, **blame.policies}, {**self._blame.pools, **blame.pools})
        verdicts, spared = self._judge(inputs)
        return self._make(spared, verdicts, surface, saturated)

    def _judge(self, inputs: Inputs) -> tuple[Verdicts, Inputs]:
        spared = self._blame.spare(inputs, self.verdicts, self.backends)
        previous = self._recalled if self._last is None else self.verdicts
        return judge(spared, previous, check=self._blame.check(self._check)), spared

    def _backends_of(self, verdicts: Verdicts, inputs: Inputs) -> Backends:
        # A pool that is deleted and still in use was gathered for the last time before that was known.
        known = {**self.backends, **inputs.backends}
        return {name: known.get(name, NOWHERE) for name in verdicts.accepted_pools()}

    def _make(self, inputs: Inputs, verdicts: Verdicts, surface: Surface, saturated: frozenset[str]) -> Prepared:
        backends = self._backends_of(verdicts, inputs)
        last, between = self._last, None
        wanted = _with_kept_secrets(envoy_inputs(inputs, verdicts, backends, surface, saturated), verdicts, last)
        if last is not None and wanted == last.envoy:
            resources = last.resources
        else:
            resources = assemble(wanted)
            if last is not None and last.envoy.policies and not same_routing(last.envoy, wanted):
                between = _bridge(last.envoy, wanted)
        ours = Snapshot.of(data_plane_resources(verdicts.accepted_policies(), verdicts.accepted_pools()))
        for made in (resources, ours):
            check_sizes(made)
        return Prepared(verdicts, backends, wanted, resources, ours, between)

    def publish(self, prepared: Prepared, states: Mapping[str, PoolState]) -> None:
        """Make it what everyone is to have."""
        self.revision = self._send(prepared.resources, prepared.ours, states, prepared.bridge)
        self.verdicts = prepared.verdicts
        self.backends = prepared.backends
        self._last = msgspec.structs.replace(prepared, bridge=None)

    def kept(self) -> tuple[Snapshot, Snapshot] | None:
        """What to start from without an operator: Envoy's resources as if no credential were there, and the data
        plane's; None before anything was published. Costly: for another thread."""
        last = self._last  # the loop may publish meanwhile: both parts have to be of one moment
        return None if last is None else (assemble(without_operator(last.envoy)), last.ours)

    def tell_states(self, states: Mapping[str, PoolState]) -> None:
        """Publish pool states alone; they wait for nothing."""
        if self._last is not None:
            self.revision = self._send(self._last.resources, self._last.ours, states, None)

    def _send(self, envoy: Snapshot, ours: Snapshot, states: Mapping[str, PoolState], between: Snapshot | None) -> str:
        return self._server.publish(combined(envoy, ours, Snapshot.of(state_resources(states))), bridge=between)


def _with_kept_secrets(wanted: EnvoyInputs, verdicts: Verdicts, last: Prepared | None) -> EnvoyInputs:
    """A pool that is deleted and still in use keeps the credential that it had: nobody resolves one for it any more."""
    if last is None or not verdicts.detained:
        return wanted
    known = last.envoy.secrets
    kept = {name: known[name] for name in verdicts.detained if name in known and name not in wanted.missing_secrets}
    return msgspec.structs.replace(wanted, secrets={**kept, **wanted.secrets})


def _bridge(old: EnvoyInputs, new: EnvoyInputs) -> Snapshot | None:
    """None where it cannot be made: for a moment requests may be routed by old rules to new ones."""
    try:
        return bridge(old, new)
    except Exception:  # noqa: BLE001  # both configurations could be made
        _LOG.exception("no bridge between two configurations")
        return None


def _maker(inputs: Inputs) -> Callable[[Mapping[str, PolicySpec], Mapping[str, PoolSpec], Backends], None]:
    """Makes what would go out for a few objects alone, without listeners."""

    def make(policies: Mapping[str, PolicySpec], pools: Mapping[str, PoolSpec], backends: Backends) -> None:
        alone = Verdicts(
            policies={name: PolicyVerdict(name, 0, _FINE, _FINE, spec) for name, spec in policies.items()},
            pools={name: PoolVerdict(name, 0, _FINE, _FINE, spec) for name, spec in pools.items()},
        )
        check_sizes(assemble(envoy_inputs(inputs, alone, backends, Surface((), DataPlane(())), frozenset())))
        check_sizes(Snapshot.of(data_plane_resources(policies, pools)))

    return make
