"""Talking to an API server in tests: kubectl where people would, plain HTTP where tests poll."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from .kubeconfig import authority_of, http_client, kubectl, read_kubeconfig, write_kubeconfig
from .waiting import wait_until

KUBECTL_SECONDS: Final = 150.0
TOKEN_SECONDS: Final = 3600
GROUP: Final = "/apis/forebay.dev/v1alpha1"
PLACES: Final[Mapping[str, str]] = {
    "RoutingPolicy": f"{GROUP}/namespaces/{{}}/routingpolicies",
    "ModelPool": f"{GROUP}/namespaces/{{}}/modelpools",
    "Pod": "/api/v1/namespaces/{}/pods",
    "Service": "/api/v1/namespaces/{}/services",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Event": "/api/v1/namespaces/{}/events",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
    "Lease": "/apis/coordination.k8s.io/v1/namespaces/{}/leases",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "InferencePool": "/apis/inference.networking.k8s.io/v1/namespaces/{}/inferencepools",
    "Gateway": "/apis/gateway.networking.k8s.io/v1/namespaces/{}/gateways",
    "HTTPRoute": "/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes",
    "Backend": "/apis/gateway.envoyproxy.io/v1alpha1/namespaces/{}/backends",
    "ClientTrafficPolicy": "/apis/gateway.envoyproxy.io/v1alpha1/namespaces/{}/clienttrafficpolicies",
    "EnvoyExtensionPolicy": "/apis/gateway.envoyproxy.io/v1alpha1/namespaces/{}/envoyextensionpolicies",
    "EnvoyPatchPolicy": "/apis/gateway.envoyproxy.io/v1alpha1/namespaces/{}/envoypatchpolicies",
    "HTTPRouteFilter": "/apis/gateway.envoyproxy.io/v1alpha1/namespaces/{}/httproutefilters",
    "ReferenceGrant": "/apis/gateway.networking.k8s.io/v1beta1/namespaces/{}/referencegrants",
}


class Kube:
    """A client for one kubeconfig. `http` is a plain client with address, trust and identity set."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        """`folder` takes kubectl's cache and the kubeconfigs of ServiceAccounts."""
        self.kubeconfig = kubeconfig
        self.http = http_client(kubeconfig)
        self._folder = folder

    def close(self) -> None:
        self.http.close()

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run kubectl; AssertionError with what it said if it fails and `check` is set."""
        command = [kubectl(), f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self._folder}/kubectl-cache", *args]
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=KUBECTL_SECONDS, check=False
        )
        assert not check or done.returncode == 0, f"kubectl {' '.join(args)}: {done.stderr or done.stdout}"
        return done

    def apply(self, manifests: str, *, namespace: str = "default", manager: str = "e2e") -> str:
        """Server-side apply of YAML text; what kubectl printed."""
        flags = ("apply", "--server-side", f"--field-manager={manager}", "-n", namespace, "-f", "-")
        return self.kubectl(*flags, stdin=manifests).stdout

    def create(self, manifest: Mapping[str, Any], namespace: str, *, dry_run: bool = False) -> httpx.Response:
        """POST one object, unknown fields refused; the answer as it is, also where it is a refusal."""
        query = {"fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
        return self.http.post(place(manifest["kind"], namespace), json=dict(manifest), params=query)

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        """The object, None where there is none."""
        answer = self.http.get(f"{place(kind, namespace)}/{name}")
        return None if answer.status_code == 404 else _content(answer)

    def list(self, kind: str, namespace: str) -> list[dict[str, Any]]:
        return list(_content(self.http.get(place(kind, namespace)))["items"])

    def delete(self, kind: str, namespace: str, name: str) -> None:
        _content(self.http.delete(f"{place(kind, namespace)}/{name}"))

    def patch(
        self, kind: str, namespace: str, name: str, change: Mapping[str, Any], *, status: bool = False
    ) -> dict[str, Any]:
        """JSON merge patch, of the status subresource if `status`."""
        path = f"{place(kind, namespace)}/{name}" + ("/status" if status else "")
        headers = {"content-type": "application/merge-patch+json"}
        return _content(self.http.patch(path, content=json.dumps(change), headers=headers))

    def wait_condition(
        self, kind: str, namespace: str, name: str, type_: str, status: str = "True", seconds: float = 60.0
    ) -> dict[str, Any]:
        """The condition once it has `status` for the present generation; AssertionError shows the last status."""
        last: dict[str, Any] = {}

        def there() -> dict[str, Any]:
            last.clear()
            last.update(self.get(kind, namespace, name) or {})
            condition = condition_of(last, type_)
            current = condition.get("observedGeneration") == last.get("metadata", {}).get("generation")
            return condition if current and condition.get("status") == status else {}

        try:
            return wait_until(there, f"{kind} {namespace}/{name}: {type_}={status}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; status: {json.dumps(last.get('status'), indent=1)}") from None

    def token(self, namespace: str, service_account: str) -> str:
        """A token of the ServiceAccount, by TokenRequest; good for an hour."""
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": TOKEN_SECONDS},
        }
        path = f"{place('ServiceAccount', namespace)}/{service_account}/token"
        return str(_content(self.http.post(path, json=request))["status"]["token"])

    def kubeconfig_for(self, namespace: str, service_account: str) -> Path:
        """A kubeconfig that is the ServiceAccount and nothing more; its namespace is the account's."""
        cluster, _ = read_kubeconfig(self.kubeconfig)
        path = self._folder / f"{namespace}.{service_account}.kubeconfig"
        token = self.token(namespace, service_account)
        return write_kubeconfig(path, cluster["server"], authority_of(cluster), token, namespace)

    def as_service_account(self, namespace: str, service_account: str) -> Kube:
        """A client with the ServiceAccount's rights; the caller closes it."""
        return Kube(self.kubeconfig_for(namespace, service_account), self._folder)


def place(kind: str, namespace: str) -> str:
    """The path of a kind's objects in a namespace."""
    return PLACES[kind].format(namespace)


def condition_of(stored: Mapping[str, Any], type_: str) -> dict[str, Any]:
    """A condition of a stored object, empty where there is none yet."""
    conditions = stored.get("status", {}).get("conditions", [])
    return next((condition for condition in conditions if condition["type"] == type_), {})


def _content(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, (
        f"{answer.request.method} {answer.request.url}: {answer.status_code}: {answer.text[:2000]}"
    )
    return dict(answer.json())
