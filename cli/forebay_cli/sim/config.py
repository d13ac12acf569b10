"""What a simulated server is told at its start; checked once here, so that no other module has to doubt it."""

from __future__ import annotations

import re

import msgspec

from forebay_api.quantities import DURATION_PATTERN, Duration, duration_seconds
from forebay_cli.sim.faults import NO_FAULT, Fault

# Generous for a simulator, small enough that a slip of the keyboard cannot exhaust the machine.
MAX_COUNT = 1_000_000
MAX_ANSWER_TOKENS = 100_000
MAX_TTFT_SECONDS = 3600.0


class ConfigError(ValueError):
    """A setting that cannot work. ``field`` names it as SimConfig spells it; the text says what to write instead."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class SimConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one simulated server.

    ``models`` are names of one engine, as vLLM's ``--served-model-name`` has them: the first one labels the metrics.
    ``loras`` are adapters, served under their own names. ``ttft`` and ``per_token`` are Gateway API durations; ``jitter``
    is the fraction by which each varies (0.2: from 80 % to 120 %), drawn from a generator seeded with ``seed``.
    ``tokens`` is the length of a text answer in tokens, ``concurrency`` how many requests run at once, ``max_queue`` how
    many more may wait, ``kv_tokens`` the capacity of the simulated KV cache in tokens, ``max_model_len`` the context
    window in tokens (None: no limit). ``early_headers`` sends a stream's header before its first token, as vLLM does;
    without it a request that waits has sent no byte yet, so a proxy can still retry it. ``reuse_port`` lets several
    servers stand behind one port, as a provider's load balancer has them (SO_REUSEPORT).
    ``access_log`` writes a line for each request (no body, no headers) to the logger ``forebay.sim``.
    """

    models: tuple[str, ...]
    name: str = "sim"
    loras: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 0
    reuse_port: bool = False
    ttft: Duration = "0s"
    per_token: Duration = "0s"  # noqa: S105 - a duration
    tokens: int = 32
    jitter: float = 0.0
    seed: int = 0
    concurrency: int = 64
    max_queue: int = 256
    kv_tokens: int = 65_536
    max_model_len: int | None = None
    embedding_dimensions: int = 384
    max_body_bytes: int = 32 << 20
    early_headers: bool = False
    access_log: bool = False
    require_key: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    fault: Fault = NO_FAULT

    def __post_init__(self) -> None:
        if not self.models:
            raise ConfigError("models", "name at least one model to serve")
        for field in ("models", "loras"):
            for served in getattr(self, field):
                if not 0 < len(served) <= 256 or not served.isprintable():
                    raise ConfigError(field, f"{served!r} must have 1 to 256 printable characters")
        if len(set(self.models + self.loras)) != len(self.models) + len(self.loras):
            raise ConfigError("models", "each model and adapter name may appear once")
        if not re.fullmatch(r"[\x21-\x7e]{1,63}", self.name):
            raise ConfigError(
                "name", f"{self.name!r} must have 1 to 63 visible ASCII characters: it goes into a header"
            )
        for field in ("ttft", "per_token"):
            _check_duration(field, getattr(self, field))
        if not 0.0 <= self.jitter <= 1.0:
            raise ConfigError("jitter", f"{self.jitter} must lie in [0, 1]")
        _check_range("port", self.port, 0, 65_535)
        _check_range("max_queue", self.max_queue, 0, MAX_COUNT)
        _check_range("concurrency", self.concurrency, 1, MAX_COUNT)
        _check_range("tokens", self.tokens, 1, MAX_ANSWER_TOKENS)
        _check_range("kv_tokens", self.kv_tokens, 1, 1 << 40)
        _check_range("embedding_dimensions", self.embedding_dimensions, 1, 4096)
        if self.max_model_len is not None:
            _check_range("max_model_len", self.max_model_len, 1, 1 << 40)
        if (self.tls_cert is None) != (self.tls_key is None):
            missing = "tls_cert" if self.tls_cert is None else "tls_key"
            raise ConfigError(missing, "HTTPS needs both a certificate and its key")
        if self.require_key is not None and not self.require_key:
            raise ConfigError("require_key", "the key must not be empty")

    @property
    def served(self) -> tuple[str, ...]:
        """Every name that a request may carry in ``model``."""
        return self.models + self.loras

    @property
    def scheme(self) -> str:
        return "http" if self.tls_cert is None else "https"


def _check_duration(field: str, text: str) -> None:
    if not re.match(DURATION_PATTERN, text):
        raise ConfigError(field, f"{text!r} is no duration; write for example 50ms, 2s or 1m30s")
    if duration_seconds(text) > MAX_TTFT_SECONDS:
        raise ConfigError(field, f"{text!r} is longer than 1h")


def _check_range(field: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ConfigError(field, f"{value} must lie in [{low}, {high}]")
