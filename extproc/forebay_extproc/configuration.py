"""Configuration: what the operator published -> a compiled configuration, off the loop, with the last good one kept.

A policy that does not compile is refused alone: its last good version goes on serving beside the new versions of the
others, and the operator hears why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.signal import EncoderKind
from forebay_decision.compile import compile_config
from forebay_decision.compiled import CompiledConfig
from forebay_models.encoder import Encoder
from forebay_models.heads.library import Library
from forebay_models.load import load_encoder
from forebay_models.shelf import Shelf

LOG: Final = logging.getLogger(__name__)
MAX_ROWS: Final = 65_536
"""Embeddings remembered: at 1.5 kB each some 100 MB, far above what policies hold."""


class Verdict(msgspec.Struct, frozen=True):
    """The configuration to serve from now on, and why policies (by name) are not in it as published."""

    config: CompiledConfig
    errors: Mapping[str, str]


class Encoders:
    """Loads each encoder once, when a policy first names it, and remembers the rows of examples.

    One compilation at a time uses it, on whatever thread.
    """

    def __init__(self, load: Callable[[EncoderKind], Encoder] = load_encoder, artefacts: Path | None = None) -> None:
        """`artefacts` is the folder of users' heads, and of a former release's encoder."""
        self.heads = Library(artefacts)
        self.get = Shelf(load, artefacts).get
        self._rows: dict[tuple[str, str], Any] = {}

    def embed(self, encoder: Encoder, texts: Sequence[str]) -> Any:
        """Unit rows of `texts`; only those that no earlier configuration had are computed."""
        import numpy as np  # a configuration without similarity signals never pays for it

        missing = [text for text in dict.fromkeys(texts) if (encoder.digest, text) not in self._rows]
        if missing:
            if len(self._rows) + len(missing) > MAX_ROWS:
                self._rows.clear()
                missing = list(dict.fromkeys(texts))
            for text, row in zip(missing, encoder.encode(missing), strict=True):
                self._rows[encoder.digest, text] = row
        return np.stack([self._rows[encoder.digest, text] for text in texts])


class Configurator:
    """Compiles what comes, one at a time."""

    def __init__(self, encoders: Encoders) -> None:
        self._encoders = encoders
        self._good: dict[str, PolicySpec] = {}
        self._former: CompiledConfig | None = None
        self._turn = asyncio.Lock()

    async def compile(
        self, revision: str, policies: Mapping[str, PolicySpec], pools: Mapping[str, PoolSpec]
    ) -> Verdict:
        """Compile a revision on a thread. Raises what loading an encoder raises: then nothing changes."""
        async with self._turn:
            verdict, good = await asyncio.to_thread(self._compile, revision, policies, pools)
            self._good, self._former = good, verdict.config
        for name, why in verdict.errors.items():
            LOG.error("policy refused", extra={"policy": name, "revision": revision, "why": why})
        return verdict

    def _compile(
        self, revision: str, policies: Mapping[str, PolicySpec], pools: Mapping[str, PoolSpec]
    ) -> tuple[Verdict, dict[str, PolicySpec]]:
        def attempt(specs: Mapping[str, PolicySpec]) -> tuple[CompiledConfig, dict[str, str]]:
            config, errors = compile_config(
                specs,
                pools,
                revision=revision,
                encoders=self._encoders.get,
                embed=self._encoders.embed,
                heads=self._encoders.heads,
                former=self._former,
            )
            return config, {name: str(error) for name, error in errors.items()}

        config, errors = attempt(policies)
        specs = dict(policies)
        if any(name in self._good for name in errors):
            specs |= {name: self._good[name] for name in errors if name in self._good}
            config, _ = attempt(specs)
        return Verdict(config, errors), {name: specs[name] for name in config.policies}
