"""The ground that the other tests stand on: a real API server that can be killed, and accounts with few rights."""

from __future__ import annotations

from .control_plane import ControlPlane
from .kube import Kube, place
from .waiting import wait_until

POOL = """
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: large}
spec:
  backend: {addresses: [{host: 127.0.0.1, port: 9}]}
  models: [{name: m}]
"""


def test_what_is_stored_outlives_the_api_server_and_etcd(
    control_plane: ControlPlane, kube: Kube, namespace: str
) -> None:
    kube.apply(POOL, namespace=namespace)
    before = kube.get("ModelPool", namespace, "large")

    control_plane.restart_apiserver()
    control_plane.restart_etcd()
    control_plane.expire_watches()

    assert kube.get("ModelPool", namespace, "large") == before


def test_a_service_account_may_do_what_its_role_says_and_no_more(
    control_plane: ControlPlane, kube: Kube, namespace: str
) -> None:
    kube.kubectl("-n", namespace, "create", "serviceaccount", "reader")
    kube.kubectl("-n", namespace, "create", "role", "reader", "--verb=get,list", "--resource=modelpools.forebay.dev")
    kube.kubectl(
        "-n", namespace, "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:reader"
    )
    reader = kube.as_service_account(namespace, "reader")

    wait_until(lambda: reader.http.get(place("ModelPool", namespace)).is_success, "the role is in force")
    refused = reader.http.get(place("Secret", namespace))
    reader.close()

    assert refused.status_code == 403
    asked = [event for event in control_plane.audit() if event["user"]["username"].endswith(f"{namespace}:reader")]
    assert {"modelpools", "secrets"} <= {event["objectRef"]["resource"] for event in asked if "objectRef" in event}


def test_controllers_make_endpoint_slices_for_a_service(kube: Kube, namespace: str) -> None:
    kube.apply(
        """
apiVersion: v1
kind: Service
metadata: {name: engine}
spec: {selector: {app: engine}, ports: [{port: 80, targetPort: 8000}]}
""",
        namespace=namespace,
    )

    wait_until(lambda: kube.list("EndpointSlice", namespace), "the controller manager made a slice")
