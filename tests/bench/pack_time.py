"""What it would bring to encode several short texts in one run, linear layers over all their rows, attention text by text;
and what a graph that can do so costs a text that is alone.

Three graphs made of the shipped weights, each timed next to as many passes of the shipped one in the same round:
`fixed` scales activations by constants, so that no text can depend on its neighbours, which is looked at to the last bit (its
constants are made up here: time does not depend on them, vectors do; one kind of input is scaled by channel before, as good
vectors want it); `row` scales each token by itself; `tensor` scales all by their extremes, as the
shipped graph does for one text. CPU time, medians of rounds in alternation. None of them ships. Needs onnx (the `train`
extra); writes build/bench/packs.json.

    python tests/bench/pack_time.py --rounds 60
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import machine
import msgspec
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from signal_time import medians

from forebay_models.load import ARTEFACTS
from forebay_models.transformer import MODEL, open_session

OUT: Final = machine.REPOSITORY / "build" / "bench" / "packs.json"
SIZES: Final = ((20, 4), (20, 8), (66, 2), (66, 4))
LONE: Final = (20, 66, 100, 256)
KINDS: Final = ("fixed", "row", "tensor")
CONTRIB: Final = "com.microsoft"
LAYERS: Final = 6
RANGE: Final = 8.0


class Pack:
    """The graph for `texts` texts of `tokens` tokens each."""

    def __init__(self, weights: dict[str, Any], kind: str, tokens: int, texts: int) -> None:
        self._weights, self._kind, self._texts = weights, kind, texts
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._lengths = self._constant("lengths", np.full(texts, tokens, np.int64))
        self._positions = np.tile(np.arange(tokens, dtype=np.int64), texts)

    def build(self) -> bytes:
        picked = self._apply("Gather", [self._weight("words.weight"), "input_ids"], "picked")
        scale = self._apply("Gather", [self._weight("words.weight.scale"), "input_ids"], "picked.scale")
        words = self._apply(
            "Mul", [self._apply("Cast", [picked], "picked.float", to=TensorProto.FLOAT), scale], "words"
        )
        places = self._constant("positions", self._weights["positions.weight"][self._positions])
        value = self._norm("embeddings", self._apply("Add", [words, places], "embeddings.sum"))
        for name in (f"layer{index}" for index in range(LAYERS)):
            context = self._attend(name, self._linear(f"{name}.qkv", value))
            attended = self._linear(f"{name}.attended", context)
            middle = self._norm(f"{name}.attention", self._apply("Add", [attended, value], f"{name}.attended.sum"))
            wide = self._apply("Gelu", [self._linear(f"{name}.wide", middle)], f"{name}.gelu")
            value = self._norm(
                name, self._apply("Add", [self._linear(f"{name}.narrow", wide), middle], f"{name}.narrow.sum")
            )
        rows = [
            self._apply(
                "ReduceMean", [part, self._constant("first", np.zeros(1, np.int64))], f"{part}.pooled", keepdims=1
            )
            for part in self._split("out", value)
        ]
        self._apply("LpNormalization", [self._apply("Concat", rows, "pooled", axis=0)], "embedding", axis=-1, p=2)
        graph = helper.make_graph(
            self._nodes,
            "pack",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["rows"])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [self._texts, 384])],
            list(self._constants.values()),
        )
        sets = [helper.make_opsetid("", 20), helper.make_opsetid(CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=sets, ir_version=9).SerializeToString()

    def _linear(self, name: str, value: str) -> str:
        weight, scale = self._weight(f"{name}.weight"), self._weight(f"{name}.weight.scale")
        bias = self._weight(f"{name}.bias")
        if self._kind == "tensor":
            return self._apply("DynamicQuantizeMatMul", [value, weight, scale, "", bias], name, domain=CONTRIB)
        middle = self._constant("middle", np.uint8(128))
        if self._kind == "fixed":
            if name.endswith(".wide"):
                smooth = self._constant(f"{name}.smooth", np.ones(384, np.float32))
                value = self._apply("Mul", [value, smooth], f"{name}.in")
            step = self._constant("step", np.float32(RANGE / 255))
            whole = self._apply("QuantizeLinear", [value, step, middle], f"{name}.int8")
            return self._apply(
                "MatMulIntegerToFloat", [whole, weight, step, scale, middle, "", bias], name, domain=CONTRIB
            )
        last = self._constant("last", np.array([-1], np.int64))
        most = self._apply("ReduceMax", [self._apply("Abs", [value], f"{name}.abs"), last], f"{name}.most", keepdims=1)
        steps = self._apply("Mul", [most, self._constant("share", np.float32(1 / 127))], f"{name}.steps")
        middles = self._constant("middles", np.full(len(self._positions), 128, np.uint8))
        flat = self._apply("Squeeze", [steps, last], f"{name}.flat")
        whole = self._apply("QuantizeLinear", [value, flat, middles], f"{name}.int8", axis=0)
        one = self._constant("one", np.float32(1))
        raw = self._apply("MatMulIntegerToFloat", [whole, weight, one, scale, middle], f"{name}.raw", domain=CONTRIB)
        return self._apply("Add", [self._apply("Mul", [raw, steps], f"{name}.scaled"), bias], name)

    def _attend(self, name: str, joined: str) -> str:
        first = self._constant("first", np.zeros(1, np.int64))
        contexts = []
        for part in self._split(name, joined):
            parts = [f"{part}.{each}" for each in ("query", "key", "value")]
            self._apply(
                "Split", [self._apply("Unsqueeze", [part, first], f"{part}.one")], *parts, axis=-1, num_outputs=3
            )
            context = self._apply("MultiHeadAttention", parts, f"{part}.context", domain=CONTRIB, num_heads=12)
            contexts.append(self._apply("Squeeze", [context, first], f"{part}.flat"))
        return self._apply("Concat", contexts, f"{name}.context", axis=0)

    def _split(self, name: str, value: str) -> list[str]:
        parts = [f"{name}.text{index}" for index in range(self._texts)]
        self._apply("Split", [value, self._lengths], *parts, axis=0)
        return parts

    def _norm(self, name: str, value: str) -> str:
        scales = [self._weight(f"{name}.gain"), self._weight(f"{name}.bias")]
        return self._apply("LayerNormalization", [value, *scales], name, axis=-1, epsilon=1e-12)

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _constant(self, name: str, value: Any) -> str:
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name)
        return name

    def _apply(self, operator: str, inputs: list[str], *outputs: str, domain: str = "", **attributes: Any) -> str:
        self._nodes.append(
            helper.make_node(operator, inputs, list(outputs), name=outputs[0], domain=domain, **attributes)
        )
        return outputs[0]


Encode = Callable[[Any], Any]


def open_pack(weights: dict[str, Any], kind: str, tokens: int, texts: int) -> Encode:
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    model = Pack(weights, kind, tokens, texts).build()
    session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda ids: session.run(None, {"input_ids": ids})[0]


def compare(weights: dict[str, Any], tokens: int, texts: int, rounds: int) -> list[dict[str, Any]]:
    """`gain`: over as many passes of the shipped graph; `own_gain`: over as many of the same kind's for one text."""
    numbers = np.random.default_rng(0).integers(1000, 20_000, tokens * texts)
    alone, ids = open_session(ARTEFACTS / MODEL), numbers.reshape(texts, 1, tokens)
    rows = []
    for kind in KINDS:
        one, together = open_pack(weights, kind, tokens, 1), open_pack(weights, kind, tokens, texts)
        if kind == "fixed" and not np.array_equal(together(numbers), np.concatenate([one(each[0]) for each in ids])):
            raise RuntimeError(f"{texts} texts of {tokens} tokens: a vector depends on its company")

        def shipped() -> None:
            for each in ids:
                alone.run(None, {"input_ids": each})

        def singly(one: Encode = one) -> None:
            for each in ids:
                one(each[0])

        slow, own, quick = medians(
            shipped, singly, lambda together=together: together(numbers), rounds=rounds, clock=time.process_time
        )
        row = {"tokens": tokens, "texts": texts, "kind": kind, "alone_ms": slow / texts * 1e3}
        rows.append(row | {"gain": round(slow / quick, 2), "own_gain": round(own / quick, 2)})
    return rows


def compare_lone(weights: dict[str, Any], tokens: int, rounds: int) -> dict[str, Any]:
    """One text on the graph with fixed scales, over one pass of the shipped graph."""
    ids = np.random.default_rng(0).integers(1000, 20_000, tokens)
    alone, one = open_session(ARTEFACTS / MODEL), open_pack(weights, "fixed", tokens, 1)
    runs = (lambda: alone.run(None, {"input_ids": ids[None]}), lambda: one(ids))
    slow, own = medians(*runs, rounds=rounds, clock=time.process_time)
    return {
        "tokens": tokens,
        "texts": 1,
        "kind": "fixed",
        "alone_ms": slow * 1e3,
        "times_as_long": round(own / slow, 3),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    rounds = parser.parse_args().rounds
    raw = {each.name: numpy_helper.to_array(each) for each in onnx.load(ARTEFACTS / MODEL).graph.initializer}
    rows = [row for tokens, texts in SIZES for row in compare(raw, tokens, texts, rounds)]
    lone = [compare_lone(raw, tokens, rounds) for tokens in LONE]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode(rows + lone), indent=2))
    for row in rows:
        print(
            f"{row['texts']} texts of {row['tokens']} tokens, {row['kind']}: {row['gain']:.2f} times as many a second "
            f"as the shipped graph, {row['own_gain']:.2f} times as many as its own kind one by one (shipped, one alone: "
            f"{row['alone_ms']:.2f} ms)"
        )
    for row in lone:
        print(
            f"one text of {row['tokens']} tokens, fixed: {row['times_as_long']:.3f} times as long as the shipped graph"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
