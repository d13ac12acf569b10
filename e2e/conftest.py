"""What end-to-end tests share: the parts, one control plane with our CRDs, a namespace a test; and a loud summary.

`FOREBAY_E2E_USE_CLUSTER=1` takes the cluster of KUBECONFIG instead: CRDs are applied there, namespaces come and go.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .binaries import locate
from .control_plane import ControlPlane, running_control_plane
from .isolation import can_listen, isolate
from .kube import Kube
from .waiting import wait_until

ROOT = Path(__file__).parents[1]
CRDS = sorted((ROOT / "crds").glob("*.yaml"))
CONTROL_PLANE = ("etcd", "kube-apiserver")
NOT_ISOLATED = pytest.StashKey[str]()
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
for _name in (*PROXIES, *map(str.lower, PROXIES)):
    os.environ.pop(_name, None)  # whoever is asked here is on this machine
if tempfile.gettempdir() != "/tmp":
    os.environ["TMPDIR"] = tempfile.tempdir = "/tmp"  # pods have their tree and sockets below it


def pytest_configure(config: pytest.Config) -> None:
    """SIGTERM ends a run as Ctrl-C does, so that no process is left behind. Tests run in a network of their own, but for
    those of a given cluster and those marked `network`, which are run by themselves."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.addinivalue_line("markers", "network: needs the package registry; run by itself with -m network")
    if getattr(config.option, "numprocesses", None):
        return  # the workers each get their own
    if config.option.markexpr != "network" and not _given_cluster() and not can_listen():
        config.stash[NOT_ISOLATED] = isolate()


def pytest_report_header(config: pytest.Config) -> str:
    """Where tests run, and what that leaves out."""
    why = config.stash.get(NOT_ISOLATED, "")
    return (
        f"SKIPPED what needs a network of its own: {why}" if why else "network: the tests' own, or the given cluster's"
    )


@pytest.fixture(scope="session")
def binary() -> Callable[[str], Path]:
    """`binary("helm")` is the path of a part; the test is skipped, loudly, where it cannot be had."""

    def require(name: str) -> Path:
        found = locate(name)
        if found is None:
            pytest.skip(f"there is no {name}: `make e2e-parts` builds it, or says why it cannot")
        return found

    return require


@pytest.fixture(scope="session")
def control_plane_binaries(binary: Callable[[str], Path]) -> dict[str, Path]:
    found = {name: binary(name) for name in CONTROL_PLANE}
    manager = locate("kube-controller-manager")
    return found | ({"kube-controller-manager": manager} if manager else {})


@pytest.fixture(scope="session")
def control_plane(control_plane_binaries: dict[str, Path]) -> Iterator[ControlPlane]:
    """The session's own API server. Who stops it starts it again."""
    if _given_cluster():
        pytest.skip("the cluster is given: nobody here may stop its API server or read its audit log")
    with running_control_plane(control_plane_binaries) as made:
        yield made


@pytest.fixture(scope="module")
def own_control_plane(control_plane_binaries: dict[str, Path]) -> Iterator[ControlPlane]:
    """An API server for one module, with our CRDs: its tests kill it."""
    with running_control_plane(control_plane_binaries) as made:
        apply_crds(made.kube)
        yield made


@pytest.fixture
def fresh_control_plane(control_plane_binaries: dict[str, Path]) -> Iterator[ControlPlane]:
    """An API server for one test, without our CRDs."""
    with running_control_plane(control_plane_binaries) as made:
        yield made


@pytest.fixture(scope="session")
def bare_kube(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kube]:
    """A client with every right, before our CRDs are there."""
    if given := _given_cluster():
        made = Kube(given, tmp_path_factory.mktemp("kube"))
        yield made
        made.close()
    else:
        yield request.getfixturevalue("control_plane").kube


@pytest.fixture(scope="session")
def crds(bare_kube: Kube) -> None:
    """Our CRDs, established."""
    apply_crds(bare_kube)


@pytest.fixture(scope="session")
def kube(bare_kube: Kube, crds: None) -> Kube:
    """A client with every right on a server that knows our kinds."""
    return bare_kube


@pytest.fixture
def namespace(kube: Kube, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    made = f"{name}-{secrets.token_hex(3)}"
    kube.kubectl("create", "namespace", made)
    yield made
    kube.kubectl("delete", "namespace", made, "--wait=false", check=False)


def apply_crds(kube: Kube) -> None:
    """Apply the CRDs of this tree and wait until their kinds are served."""
    names = [path.stem for path in CRDS]
    for path in CRDS:
        kube.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(path))
    kinds = [f"crd/{'.'.join(reversed(name.split('_')))}" for name in names]
    kube.kubectl("wait", "--for=condition=Established", "--timeout=120s", *kinds)
    for name in names:
        group, _, plural = name.partition("_")
        path = f"/apis/{group}/v1alpha1/namespaces/default/{plural}"
        wait_until(lambda path=path: kube.http.get(path).status_code == 200, f"{plural} are served")


def _given_cluster() -> Path | None:
    """The kubeconfig of a cluster to use. KUBECONFIG alone is not enough: it may well name one that is in use."""
    if os.environ.get("FOREBAY_E2E_USE_CLUSTER") != "1":
        return None
    given = os.environ.get("KUBECONFIG")
    assert given, "FOREBAY_E2E_USE_CLUSTER=1 needs KUBECONFIG"
    return Path(given)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        terminalreporter.write_line(f"SKIPPED {report.nodeid}: {reason.removeprefix('Skipped: ')}", yellow=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where everything was skipped nothing was shown to work: that is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or session.config.option.collectonly or exitstatus != pytest.ExitCode.OK:
        return
    if not reporter.stats.get("passed"):
        reporter.write_line("no end-to-end test ran: see SKIPPED", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
