"""The whole server without its sockets: publishes and requests in, responses and acknowledgements out, time passed in.

Who delays whom. A stage waits for the expected replicas of the kind it concerns: Envoys for foundation, routing and
retirement, data planes for policies. A replica that has not caught up for `ack_deadline` seconds, connected or not, delays
nobody until it has.

Who stops what. A replica that refuses (NACK) a new cluster, endpoint set, secret or route table stops the rollout there,
however long it takes: policies must not point at what is known not to work, so the old routes and policies stay. What was
refused *before* policies last went live stops nothing (one pool without a cluster is better than no pool, and a standing
refusal must not lock later edits out). A refused listener never stops anything. A data plane that refuses keeps its old
policies, so nothing is retired under it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from forebay_operator.resources import Snapshot
from forebay_operator.xds.acknowledgements import Acknowledgements, Kind, Rejection
from forebay_operator.xds.client import Client, Standing
from forebay_operator.xds.messages import Request, Response
from forebay_operator.xds.rollout import Rollout, Stage
from forebay_operator.xds.type_urls import STAGED, short

LINGER: Final = 30.0
ACK_DEADLINE: Final = 5.0
REVISIONS_KEPT: Final = 256
"""Published revisions that can still be asked about; older ones count as the oldest kept."""


def revision_of(snapshot: Snapshot) -> str:
    """Content hash over everything that is staged: the same input gives the same revision on any replica.

    What goes out at once (PoolState) is no part of it: load changes every second, configuration does not.
    """
    digest = sha256()
    for url in STAGED:
        for name, resource in sorted(snapshot.of_type(url).items()):
            digest.update(f"{url}\0{name}\0{resource.version}\n".encode())
    return digest.hexdigest()[:16]


class Machine:
    """Mutable, single-threaded, pure. Every method that takes `now` (monotonic seconds) may move the rollout on."""

    def __init__(
        self,
        *,
        linger: float = LINGER,
        ack_deadline: float = ACK_DEADLINE,
        rest: float = 0.0,
        max_names: int = 65_536,
    ) -> None:
        self.rollout = Rollout(linger, rest)
        self._linger = linger
        self._ack_deadline = ack_deadline
        self._max_names = max_names
        self._expected: Mapping[str, Kind] | None = None
        self._clients: dict[str, Client] = {}
        self._behind_since: dict[str, float] = {}
        self._sequence = 0
        self._sequences: OrderedDict[str, int] = OrderedDict()
        self._acknowledged: dict[str, int] = {}

    # --- what the publisher says

    def publish(self, snapshot: Snapshot, now: float, *, bridge: Snapshot | None = None) -> str:
        """Aim at `snapshot`; return its revision. `bridge`: routing for both the old and the new policies, see Rollout."""
        revision = revision_of(snapshot)
        if self.revision != revision:
            self._sequence += 1
            self._sequences[revision] = self._sequence
            self._sequences.move_to_end(revision)
            if len(self._sequences) > REVISIONS_KEPT:
                self._sequences.popitem(last=False)
        self.rollout.begin(snapshot, bridge)
        self.settle(now)
        return revision

    def expect(self, replicas: Mapping[str, Kind], now: float) -> None:
        """Say which replicas there are: node id -> kind. Until the first call, whoever is connected is expected."""
        self._expected = dict(replicas)
        for node_id, client in self._clients.items():
            client.become(self._expected.get(node_id, client.kind))
        kept = self._awaited()
        self._behind_since = {node_id: since for node_id, since in self._behind_since.items() if node_id in kept}
        self._acknowledged = {node_id: seq for node_id, seq in self._acknowledged.items() if node_id in kept}
        self.settle(now)

    def forgive(self, now: float) -> None:
        """Nobody has been late until now: what comes next waits `ack_deadline` for each, as after any send."""
        self._behind_since = dict.fromkeys(self._behind_since, now)

    # --- what clients say

    def kind_of(self, node_id: str) -> Kind:
        """What a node is: as the publisher says, else by its name."""
        return (self._expected or {}).get(node_id, Kind.of(node_id))

    def connect(self, node_id: str, now: float) -> Client:
        """A stream has named itself. An older stream of the same node is cut off: the newest one wins."""
        client = Client(
            node_id,
            self.kind_of(node_id),
            claims_foundation=now + self._ack_deadline + self._linger,
            claims_routing=now + self._ack_deadline,
            max_names=self._max_names,
        )
        self._clients[node_id] = client
        # It may have restarted and have nothing; if it has all, it says so with its first requests.
        self._acknowledged.pop(node_id, None)
        self.settle(now)
        return client

    def disconnect(self, client: Client, now: float) -> None:
        """A stream has ended; without effect if a newer one has taken its place."""
        if self.is_current(client):
            del self._clients[client.node_id]
            self.settle(now)

    def is_current(self, client: Client) -> bool:
        """False once the client's stream has ended or been replaced."""
        return self._clients.get(client.node_id) is client

    def receive(self, client: Client, request: Request, now: float) -> None:
        """Take in a client's request. Raises TooManyNames where the stream has to end."""
        if self.is_current(client):
            client.receive(request)
            self.settle(now)

    def next_response(self, client: Client, now: float) -> Response | None:
        """What the client is to be sent now, None where there is nothing or its stream is no longer the current one."""
        return client.next_response(self.rollout, now) if self.is_current(client) else None

    # --- what time does

    def settle(self, now: float) -> None:
        """Move on as far as acknowledgements and deadlines allow; call it when `next_deadline` has come."""
        self.rollout.expire(now)
        while True:
            standings = self._note_standings(now)
            if self.rollout.stage is Stage.DONE or not self._passes(standings, now) or self.rollout.rests(now):
                return
            self.rollout.advance(now)

    def next_deadline(self, now: float) -> float | None:
        """The next moment after `now` at which time alone changes something."""
        times = [since + self._ack_deadline for since in self._behind_since.values()]
        times += [at for client in self._clients.values() for at in client.claims_until()]
        if (expiry := self.rollout.next_expiry) is not None:
            times.append(expiry)
        return min((at for at in times if at > now), default=None)

    def _awaited(self) -> Mapping[str, Kind]:
        if self._expected is not None:
            return self._expected
        return {node_id: client.kind for node_id, client in self._clients.items()}

    def _note_standings(self, now: float) -> dict[str, Standing]:
        """Bring up to date who has acknowledged and who is behind; return how each stands towards the present stage."""
        stage = self.rollout.stage
        standings: dict[str, Standing] = {}
        for node_id, kind in self._awaited().items():
            client = self._clients.get(node_id)
            if client is None:
                standings[node_id] = Standing.PENDING
                self._behind_since.setdefault(node_id, now)
                continue
            standings[node_id] = client.standing(self.rollout, stage, now)
            # Lateness is about everything on offer: one stuck listener makes a client late for the next cluster, too.
            if client.standing(self.rollout, Stage.DONE, now) is Standing.PENDING:
                self._behind_since.setdefault(node_id, now)
                continue
            self._behind_since.pop(node_id, None)
            last = Stage.POLICIES if kind is Kind.DATA_PLANE else Stage.ROUTING
            if stage >= last and client.has_taken_all(self.rollout):
                self._acknowledged[node_id] = self._sequence
        return standings

    def _passes(self, standings: Mapping[str, Standing], now: float) -> bool:
        concerned = Kind.DATA_PLANE if self.rollout.stage is Stage.POLICIES else Kind.ENVOY
        for node_id, kind in self._awaited().items():
            if kind is not concerned or standings[node_id] is Standing.HAS:
                continue
            late = now >= self._behind_since.get(node_id, now) + self._ack_deadline
            if standings[node_id] is Standing.REFUSES or not late:
                return False
        return True

    # --- what is known

    @property
    def revision(self) -> str | None:
        """The newest revision, None before the first publish."""
        return next(reversed(self._sequences), None)

    @property
    def sequence(self) -> int:
        """Number of the newest publication; 0 before the first. The same content published again is no new one."""
        return self._sequence

    def missing(self, sequence: int) -> frozenset[str]:
        """Expected replicas that have acknowledged neither this publication nor a later one."""
        return frozenset(name for name in self._awaited() if self._acknowledged.get(name, 0) < sequence)

    @property
    def clients(self) -> Mapping[str, Kind]:
        """Who is connected, expected or not."""
        return {node_id: client.kind for node_id, client in self._clients.items()}

    def rejections(self) -> tuple[Rejection, ...]:
        """Every resource on offer that a connected client refuses, expected or not."""
        return tuple(rejection for client in self._clients.values() for rejection in client.rejections(self.rollout))

    def acknowledgements(self, revision: str | None = None) -> Acknowledgements:
        """Who has `revision` (the newest where None) or a later one.

        A revision that was superseded counts as acknowledged by whoever acknowledged its successor.
        Raises KeyError for a revision that was never published, or more than REVISIONS_KEPT ago.
        """
        asked = revision or self.revision or ""
        sequence = self._sequences[asked] if asked else 1
        awaited = self._awaited()
        missing = tuple(sorted(self.missing(sequence)))
        rejected: dict[str, str] = {}
        for rejection in self.rejections():
            if rejection.client in missing:
                text = f"{short(rejection.type_url)} {rejection.name}: {rejection.text}"
                rejected[rejection.client] = "; ".join(filter(None, (rejected.get(rejection.client), text)))
        return Acknowledgements(asked, len(awaited), len(awaited) - len(missing), missing, rejected)
