"""Where a pool's servers are: exactly one kind of backend."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from forebay_api.base import CelRule, Strict
from forebay_api.quantities import HOST_PATTERN, SERVER_PATTERN, Name, Namespace, ObjectName, Port, PortName


class Address(Strict, frozen=True):
    host: Annotated[
        str,
        Meta(
            pattern=SERVER_PATTERN,
            max_length=253,
            description="IP address or resolvable host name.",
            examples=["10.0.0.7", "gpu-1.internal"],
        ),
    ]
    port: Annotated[Port, Meta(description="TCP port of the inference server.")]


class External(Strict, frozen=True):
    hostname: Annotated[
        str,
        Meta(
            pattern=HOST_PATTERN,
            max_length=253,
            description="Host name; sent as SNI and Host, and checked against the certificate.",
            examples=["api.example.com"],
        ),
    ]
    port: Annotated[Port, Meta(description="TCP port.")] = 443


class ServiceRef(Strict, frozen=True, kw_only=True):
    name: Annotated[Name, Meta(description="Name of the Service.")]
    namespace: (
        Annotated[
            Namespace,
            Meta(
                description="Namespace of the Service; the pool's own by default. Another one needs a ReferenceGrant there."
            ),
        ]
        | None
    ) = None
    port: Annotated[
        Port | PortName,
        Meta(description="Port of the Service, by number or by name.", examples=["8000", "http"]),
    ]


class InferencePoolRef(Strict, frozen=True):
    name: Annotated[ObjectName, Meta(description="Name of the InferencePool (inference.networking.k8s.io/v1).")]
    namespace: (
        Annotated[
            Namespace,
            Meta(
                description="Namespace of the InferencePool; the pool's own by default. Another one needs a ReferenceGrant "
                "there."
            ),
        ]
        | None
    ) = None
    objective: (
        Annotated[
            ObjectName,
            Meta(
                description="InferenceObjective that the endpoint picker is told for every request; the caller's own "
                "`x-gateway-inference-objective` header by default."
            ),
        ]
        | None
    ) = None


class Backend(Strict, frozen=True):
    """Where the endpoints are: exactly one member."""

    cel_rules: ClassVar = (
        CelRule(
            "[has(self.service), has(self.inferencePool), has(self.external), has(self.addresses)]"
            ".filter(x, x).size() == 1",
            "set exactly one of service, inferencePool, external or addresses",
        ),
    )
    service: (
        Annotated[
            ServiceRef,
            Meta(
                description="A Service whose endpoints are followed, reached in plain HTTP. Locally forebay.yaml maps it to "
                "addresses."
            ),
        ]
        | None
    ) = None
    inference_pool: (
        Annotated[
            InferencePoolRef,
            Meta(
                description="An InferencePool: its endpoint picker, where it has one, chooses the replica. Locally "
                "forebay.yaml maps it to addresses."
            ),
        ]
        | None
    ) = None
    addresses: (
        Annotated[
            list[Address],
            Meta(
                min_length=1,
                max_length=256,
                description="Fixed endpoints, reached in plain HTTP.",
                extra_json_schema={"x-kubernetes-list-type": "atomic"},
            ),
        ]
        | None
    ) = None
    external: (
        Annotated[External, Meta(description="A bought endpoint: TLS, SNI and the system's trust store by default.")]
        | None
    ) = None
