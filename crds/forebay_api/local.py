"""forebay.yaml: what a machine adds to the manifests when there is no cluster (listeners, secrets, trust, workers)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from msgspec import Meta, field

from forebay_api.allowed_routes import AllowedHostname, AllowedRoutes
from forebay_api.backend import Address
from forebay_api.base import CelRule, Strict, unique
from forebay_api.quantities import LISTEN_PATTERN, Port
from forebay_api.signal import BY_NAME, SET

FilePath = Annotated[str, Meta(min_length=1, max_length=4096)]
BackendName = Annotated[str, Meta(max_length=317)]
MAX_JWKS: Final = 64 << 10
ProviderName = Annotated[str, Meta(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", max_length=63, examples=["corp"])]
SecretName = Annotated[str, Meta(max_length=253)]


class ListenerTls(Strict, frozen=True):
    cert_file: Annotated[FilePath, Meta(description="PEM file of the certificate chain.")]
    key_file: Annotated[FilePath, Meta(description="PEM file of the private key.")]


class Jwks(Strict, frozen=True):
    """Where a provider's public keys come from: exactly one member."""

    cel_rules: ClassVar = (CelRule("has(self.inline) != has(self.file)", "set exactly one of inline or file"),)
    inline: (
        Annotated[
            str,
            Meta(min_length=2, max_length=MAX_JWKS, description="The JSON Web Key Set as text, public keys only."),
        ]
        | None
    ) = None
    file: (
        Annotated[
            FilePath,
            Meta(
                description="File that holds it, relative to this one and not called `*.json`, which manifests are; read again every 2 s, so that keys rotate."
            ),
        ]
        | None
    ) = None


class JwtProvider(Strict, frozen=True, kw_only=True):
    """Whose tokens are believed."""

    name: Annotated[ProviderName, Meta(description="Policies say `jwt: {provider: <name>}`.")]
    issuer: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=2048,
            description="The tokens' `iss`, letter by letter.",
            examples=["https://login.example.com/"],
        ),
    ]
    audiences: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=2048)]],
        Meta(
            min_length=1,
            max_length=16,
            description="The tokens' `aud` must name one of these.",
            extra_json_schema=SET,
        ),
    ]
    jwks: Annotated[Jwks, Meta(description="The keys that its tokens are signed with. None is fetched.")]


class Jwt(Strict, frozen=True, kw_only=True):
    """JSON Web Tokens in `Authorization: Bearer`, verified by Envoy: signature, `iss`, `aud`, `exp` and `nbf`."""

    cel_rules: ClassVar = (unique("providers", "name", "two providers have the same name: rename one"),)
    required: Annotated[
        bool,
        Meta(
            description="Answer 401 to every request without a valid token. With false such a request goes on as one "
            "of nobody's, with whatever it carries; rules then see no claims."
        ),
    ] = True
    providers: Annotated[
        list[JwtProvider],
        Meta(min_length=1, max_length=16, description="One is enough.", extra_json_schema=BY_NAME),
    ]


class Listener(Strict, frozen=True):
    cel_rules: ClassVar = (
        unique("hostnames", "hostname", "two entries are about the same hostname: make one of them"),
    )
    address: Annotated[
        str,
        Meta(
            pattern=LISTEN_PATTERN,
            max_length=253,
            description="IP address to listen on.",
            examples=["127.0.0.1", "0.0.0.0"],
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port; 0 takes a free one.")] = 10080
    tls: Annotated[ListenerTls, Meta(description="Serve TLS; plain HTTP without.")] | None = None
    jwt: Annotated[Jwt, Meta(description="Verify tokens; without it nobody's are read.")] | None = None
    access_log: (
        Annotated[FilePath, Meta(description="File for Envoy's JSON access log; `-` is standard output.")] | None
    ) = None
    allowed_routes: Annotated[
        AllowedRoutes,
        Meta(
            description="A policy with `attach` counts where every listener that its host names may come to admits its namespace, because all of them share their routes."
        ),
    ] = AllowedRoutes()
    hostnames: Annotated[
        list[AllowedHostname],
        Meta(
            max_length=256,
            description="Host names that are some namespaces' own. Requests for others are served all the same.",
            extra_json_schema={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["hostname"]},
        ),
    ] = []


class SecretSource(Strict, frozen=True):
    """Where one key of a Secret comes from: exactly one member."""

    cel_rules: ClassVar = (CelRule("has(self.file) != has(self.env)", "set exactly one of file or env"),)
    file: (
        Annotated[FilePath, Meta(description="File that holds the value; a final line break is not part of it.")] | None
    ) = None
    env: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
                max_length=253,
                description="Environment variable that holds the value.",
                examples=["OPENAI_API_KEY"],
            ),
        ]
        | None
    ) = None


class Trust(Strict, frozen=True):
    ca_file: (
        Annotated[
            FilePath,
            Meta(
                description="PEM bundle that stands in for the system's trust store when `external` pools are verified."
            ),
        ]
        | None
    ) = None


class LocalConfig(Strict, frozen=True):
    """The whole of forebay.yaml; every field may be left out, and so may the file."""

    listeners: Annotated[
        list[Listener], Meta(min_length=1, max_length=16, description="Where Envoy accepts requests.")
    ] = field(default_factory=lambda: [Listener()])
    secrets: Annotated[
        dict[SecretName, Annotated[dict[SecretName, SecretSource], Meta(max_length=64)]],
        Meta(max_length=64, description="Secret name, then key, then where its value comes from."),
    ] = {}
    backends: Annotated[
        dict[BackendName, Annotated[list[Address], Meta(max_length=256)]],
        Meta(
            max_length=256,
            description="Name or namespace/name of a Service or InferencePool that pools name, then where its servers are.",
        ),
    ] = {}
    trust: Annotated[Trust, Meta(description="Whom to trust upstream.")] = Trust()
    workers: Annotated[int, Meta(ge=1, le=64, description="Data-plane processes.")] = 1
    admin_port: Annotated[Port, Meta(description="Port of Envoy's admin interface; a free one by default.")] | None = (
        None
    )
    metrics_port: Annotated[int, Meta(ge=0, le=65535, description="Port of `/metrics`; 0 takes a free one.")] = 0
