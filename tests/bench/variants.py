"""What is measured: the variants, and the cells (load, streaming, workers) in which each is."""

from __future__ import annotations

from typing import Final

import manifests
import msgspec

ENCODER_SIZES: Final = (20, 100, 400)
FEW, MANY = 1, 32


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """`system` is what serves it, its number of workers apart. `rule` must decide (`""`: nobody says). `baseline` is the
    variant it is compared with, and `needs` names more that its bar is computed from."""

    name: str
    what: str
    system: str
    body: str
    host: str = ""
    rule: str = ""
    decided: bool = False
    """Whether its requests are for the data plane to decide; one that asks it all the same does not count."""
    baseline: str = ""
    needs: tuple[str, ...] = ()
    streamed: bool = False
    scaled: bool = False
    """Measured with two workers, too."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One variant under one load; hashable, so it names its results."""

    variant: str
    workers: int
    connections: int
    stream: bool

    @property
    def label(self) -> str:
        kind = "streamed" if self.stream else "plain"
        workers = f" w={self.workers}" if self.workers else ""
        return f"{self.variant}{workers} c={self.connections} {kind}"


ENVOY = Variant(name="envoy", what="Envoy alone", system="envoy", body="chat", streamed=True)
NOOP = Variant(
    name="noop",
    what="Envoy and a no-op Python ext_proc",
    system="noop",
    body="chat",
    baseline="envoy",
    streamed=True,
    scaled=True,
)
NATIVE = Variant(
    name="native",
    what="Explicit model, decided by Envoy alone",
    system="forebay",
    body="named",
    host=manifests.NATIVE_HOST,
    rule=manifests.NATIVE_RULE,
    baseline="envoy",
    streamed=True,
)
RULES = Variant(
    name="rules",
    what="20 rules over CEL, keyword and regex",
    system="forebay",
    body="chat",
    host=manifests.RULES_HOST,
    rule=manifests.LAST_RULE,
    decided=True,
    baseline="noop",
    needs=("envoy",),
    streamed=True,
    scaled=True,
)
STATIC = Variant(
    name="static",
    what="10 similarity signals on the static table",
    system="forebay",
    body="chat",
    host=manifests.STATIC_HOST,
    rule=manifests.DEFAULT_RULE,
    decided=True,
    baseline="rules",
    scaled=True,
)
TRANSFORMERS = tuple(
    Variant(
        name=f"minilm-{tokens}",
        what=f"10 similarity signals on MiniLM, a turn of {tokens} tokens",
        system="forebay",
        body=f"tokens-{tokens}",
        host=manifests.TRANSFORMER_HOST,
        rule=manifests.DEFAULT_RULE,
        decided=True,
        baseline="noop",
        scaled=tokens == 100,
    )
    for tokens in ENCODER_SIZES
)
LARGE = (
    Variant(name="envoy-large", what="Envoy alone, a 200 kB body", system="envoy", body="large"),
    Variant(
        name="noop-large", what="No-op ext_proc, a 200 kB body", system="noop", body="large", baseline="envoy-large"
    ),
    Variant(
        name="large",
        what="20 rules, a 200 kB body",
        system="forebay",
        body="large",
        host=manifests.RULES_HOST,
        rule=manifests.LAST_RULE,
        decided=True,
        baseline="noop-large",
        needs=("envoy-large",),
    ),
)
LITELLM = Variant(
    name="litellm",
    what="LiteLLM's proxy, two models, one worker",
    system="litellm",
    body="named",
    baseline="rules",
    needs=("native",),
    streamed=True,
)
VARIANTS: Final = {
    variant.name: variant for variant in (ENVOY, NOOP, NATIVE, RULES, STATIC, *TRANSFORMERS, *LARGE, LITELLM)
}
ALONE: Final = ("start", "memory")
"""What is measured without load, once."""


def closure(chosen: list[str]) -> list[str]:
    """The chosen variants and every one that they are compared with, in the order of VARIANTS."""
    wanted = set(chosen)
    pending = list(chosen)
    for name in pending:
        variant = VARIANTS.get(name)
        more = {variant.baseline, *variant.needs} - wanted - {""} if variant else set()
        wanted |= more
        pending += sorted(more)
    return [name for name in (*VARIANTS, *ALONE) if name in wanted]


def cells(names: list[str], workers: list[int]) -> list[Cell]:
    """Every cell of these variants. More workers change only what many connections can do, so they are measured there."""
    found = []
    for variant in (VARIANTS[name] for name in names if name in VARIANTS):
        first = min(workers) if variant.system in ("noop", "forebay") else 0
        found += [
            Cell(variant=variant.name, workers=first, connections=connections, stream=stream)
            for stream in ((False, True) if variant.streamed else (False,))
            for connections in (FEW, MANY)
        ]
        if variant.scaled:
            more = [count for count in workers if count != first]
            found += [Cell(variant=variant.name, workers=n, connections=MANY, stream=False) for n in more]
    return found


def system_name(cell: Cell) -> str:
    """Which system serves a cell."""
    system = VARIANTS[cell.variant].system
    return f"{system}-{cell.workers}" if cell.workers else system
