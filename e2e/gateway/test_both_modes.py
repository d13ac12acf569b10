"""Our own Envoy and a gateway side by side: each policy waits for those who carry its requests."""

from __future__ import annotations

from ..installation import ENVOYS, READY
from ..isolation import HOST
from ..manifests import policy
from ..waiting import wait_until
from .behind import STEPS_SECONDS, Site


def test_a_policy_behind_a_gateway_does_not_wait_for_an_envoy_of_ours(site: Site) -> None:
    installation, kube = site.behind.installation, site.kube
    installation.service(ENVOYS, [10080])
    installation.slice(ENVOYS, f"{ENVOYS}-0", 10080, {"lost": (HOST, READY)})
    try:
        site.apply(policy("own", "small") + site.policy())

        def waiting() -> bool:
            message = site.wait("own", "Programmed", "False")["message"]
            return message.startswith("1 of 1 data plane, 0 of 1 Envoy") and message.endswith(
                "; waiting for envoy/lost"
            )

        wait_until(waiting, "the other policy waits for our Envoy alone", STEPS_SECONDS)
        site.programmed()
        assert "1 of 1 data plane acknowledged" in site.wait(site.name, "Programmed")["message"]
        site.wait_served_by("small")
        assert site.generated(site.name)
    finally:
        kube.kubectl("delete", "-n", site.namespace, f"endpointslices/{ENVOYS}-0", f"services/{ENVOYS}")
