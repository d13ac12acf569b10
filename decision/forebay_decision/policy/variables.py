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
    "request.turns": (Type.INT, lambda view: sum(turn.human for turn in view.turns)),
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
_TRUTH: Final = {"matched": Type.BOOL, "unknown": Type.BOOL}
SIGNAL_FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "keyword": _TRUTH | {"label": Type.STRING},
    "regex": _TRUTH,
    "similarity": {
        "matched": Type.BOOL,
        "score": Type.DOUBLE,
        "label": Type.STRING,
        "labels": Type.List(Type.STRING),
        "scores": Type.Map(Type.STRING, Type.DOUBLE),
        "unknown": Type.BOOL,
    },
    "classifier": _TRUTH
    | {
        "score": Type.DOUBLE,
        "label": Type.STRING,
        "labels": Type.List(Type.STRING),
        "scores": Type.Map(Type.STRING, Type.DOUBLE),
        "result": Type.INT,
        "start": Type.INT,
        "end": Type.INT,
    },
    "pii": _TRUTH
    | {
        "label": Type.STRING,
        "labels": Type.List(Type.STRING),
        "counts": Type.Map(Type.STRING, Type.INT),
        "count": Type.INT,
    },
    "language": _TRUTH | {"label": Type.STRING, "labels": Type.List(Type.STRING), "score": Type.DOUBLE},
    "structure": {
        "unknown": Type.BOOL,
        "tokens": Type.INT,
        "messages": Type.INT,
        "turns": Type.INT,
        "tools": Type.INT,
        "images": Type.INT,
        "codeShare": Type.DOUBLE,
        "agentStep": Type.INT,
        "toolLoop": Type.INT,
    },
    "toolResult": _TRUTH | {"results": Type.INT, "failures": Type.INT, "streak": Type.INT},
    "reask": _TRUTH | {"distance": Type.DOUBLE, "verbatim": Type.BOOL},
    "claims": _TRUTH | {"label": Type.STRING, "labels": Type.List(Type.STRING)},
}
"""Kind -> the parts that rules may ask for. What a kind does not declare cannot be asked, so no rule waits for it."""
POOL_FIELDS: Final[Mapping[str, Callable[[PoolState], object]]] = {
    "ready": lambda state: state.ready,
    "queued": lambda state: state.queued,
    "running": lambda state: state.running,
    "kv": lambda state: state.kv_cache_utilization,
    "saturated": lambda state: state.saturated,
}


def declare(signals: Iterable[Signal]) -> dict[str, Any]:
    """Variable name -> CEL type for a policy with these signals."""
    declared = {name: kind for name, (kind, _) in REQUEST.items()}
    declared[HEADERS] = Type.Map(Type.STRING, Type.STRING)
    declared[POOLS] = Type.Map(Type.STRING, Type.Map(Type.STRING, Type.DYN))
    declared |= dict.fromkeys(IDENTITY, Type.STRING)
    for signal in signals:
        for field, kind in SIGNAL_FIELDS[signal.kind].items():
            declared[f"signals.{signal.name}.{field}"] = kind
    return declared
