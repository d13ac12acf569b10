"""What Envoy's configuration is made from: one frozen value, gathered and checked by others."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from forebay_api.local import Listener
from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_decision.native import NativeModel
from forebay_operator.backends.endpoint import Backends
from forebay_operator.cluster.objects import FailureMode
from forebay_operator.envoy.identity import PeerTls


class DataPlane(msgspec.Struct, frozen=True):
    """Where the workers listen, one address each: ``unix:/path`` or ``host:port`` (IPv6 in brackets).

    `tls` is how Envoy talks to them; None is plaintext. `service` is a name, ``host:port``, under which DNS finds whoever
    is there: what counts where nobody says any more who that is.
    """

    addresses: tuple[str, ...]
    tls: PeerTls | None = None
    service: str | None = None


class EnvoyInputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `assemble` reads. Policies and pools go by ``namespace/name``.

    `backends` says where the pools' servers are; a pool that is not in it has none. `pickers` names those
    whose server a picker chooses, and says what happens without it.
    `policies` are the accepted Enforce policies; `native` is what Envoy decides alone, by policy; `secrets` maps a pool
    to its credential, and `missing_secrets` names pools that should have one and do not: they answer 503.
    `trust_ca` is the PEM bundle that `external` pools are verified against, on Envoy's machine; None is the system's.
    `reattached`: the data planes may still decide by another policy than the one that a request meets first, so what
    they have chosen, of whichever policy, is matched before anything asks.
    """

    policies: Mapping[str, PolicySpec]
    pools: Mapping[str, PoolSpec]
    backends: Backends = {}
    data_plane: DataPlane
    listeners: tuple[Listener, ...] = (Listener(),)
    native: Mapping[str, tuple[NativeModel, ...]] = {}
    secrets: Mapping[str, str] = {}
    missing_secrets: frozenset[str] = frozenset()
    pickers: Mapping[str, FailureMode] = {}
    trust_ca: str | None = None
    reattached: bool = False

    def within(self, *pools: str) -> EnvoyInputs:
        """What is known of these pools, and nothing else: equal whenever that is."""
        return EnvoyInputs(
            policies={},
            pools={pool: self.pools[pool] for pool in sorted(set(pools)) if pool in self.pools},
            data_plane=DataPlane(()),
            listeners=(),
            missing_secrets=self.missing_secrets.intersection(pools),
            pickers={pool: self.pickers[pool] for pool in sorted(set(pools)) if pool in self.pickers},
        )
