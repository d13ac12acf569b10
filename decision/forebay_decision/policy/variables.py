"""What a rule may ask: the declared variables, their types, and where each value comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from cel_expr_python import cel

from forebay_api.signal import Signal
from forebay_api.wire import PoolState
from forebay_decision.request import RequestView

Type = cel.Type

REQUEST: Final[Mapping[str, tuple[Any, Callable[[RequestView], object]]]] = {
    "request.model": (Type.STRING, lambda view: view.model),
    "request.endpoint": (Type.STRING, lambda view: view.endpoint),
    "request.messages": (
        Type.List(Type.Map(Type.STRING, Type.STRING)),
        lambda view: [{"role": turn.role, "content": turn.text} for turn in view.turns],
    ),
    "request.turns": (Type.INT, lambda view: sum(turn.role == "user" for turn in view.turns)),
    "request.promptTokens": (Type.INT, lambda view: view.prompt_tokens),
    "request.maxTokens": (Type.INT, lambda view: view.max_tokens or 0),
    "request.stream": (Type.BOOL, lambda view: view.stream),
    "request.tools": (Type.List(Type.STRING), lambda view: list(view.tools)),
    "request.responseFormat": (Type.STRING, lambda view: view.response_format),
    "request.modalities": (Type.List(Type.STRING), lambda view: list(view.modalities)),
    "request.text": (Type.STRING, lambda view: view.text),
    "request.systemText": (Type.STRING, lambda view: view.system_text),
}
HEADERS: Final = "request.headers"
POOLS: Final = "pools"
IDENTITY: Final = ("tenant", "user")
SIGNAL_FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "keyword": {"matched": Type.BOOL, "label": Type.STRING, "unknown": Type.BOOL},
    "regex": {"matched": Type.BOOL, "unknown": Type.BOOL},
    "similarity": {
        "matched": Type.BOOL,
        "score": Type.DOUBLE,
        "label": Type.STRING,
        "labels": Type.List(Type.STRING),
        "scores": Type.Map(Type.STRING, Type.DOUBLE),
        "unknown": Type.BOOL,
    },
}
POOL_FIELDS: Final[Mapping[str, Callable[[PoolState], object]]] = {
    "ready": lambda state: state.ready,
    "queued": lambda state: state.queued,
    "running": lambda state: state.running,
    "kv": lambda state: state.kv_cache_utilization,
    "saturated": lambda state: state.saturated,
}


def signal_kind(signal: Signal) -> str:
    """The one kind that is set: ``keyword``, ``regex`` or ``similarity``."""
    return next(kind for kind in SIGNAL_FIELDS if getattr(signal, kind) is not None)


def declare(signals: Iterable[Signal]) -> dict[str, Any]:
    """Variable name -> CEL type for a policy with these signals."""
    declared = {name: kind for name, (kind, _) in REQUEST.items()}
    declared[HEADERS] = Type.Map(Type.STRING, Type.STRING)
    declared[POOLS] = Type.Map(Type.STRING, Type.Map(Type.STRING, Type.DYN))
    declared |= dict.fromkeys(IDENTITY, Type.STRING)
    for signal in signals:
        for field, kind in SIGNAL_FIELDS[signal_kind(signal)].items():
            declared[f"signals.{signal.name}.{field}"] = kind
    return declared
