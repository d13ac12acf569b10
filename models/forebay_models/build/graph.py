"""BERT's graph written straight from the checkpoint: no torch, no exporter whose version decides the bytes.

Input `input_ids` int64 [1, tokens], frame included; output `embedding` float32 [1, 384], mean-pooled, length 1. One text
per run needs no mask and no padding. Attention is onnxruntime's own `MultiHeadAttention`: it never holds the score matrix
whole, so a process with four threads of 512 tokens held 133 MiB where standard operators held 236, no faster.

int8 is written here rather than by onnxruntime's quantiser, for three things it does not do together: linear weights
with a scale per output column and 7 bits, so that CPUs without VNNI do not saturate (255 * 63 * 2 fits an int16); word
embeddings with a scale per row; bytes that do not hang on a quantiser's version.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from forebay_models.build.source import Weights

LAYERS = 6
HEADS = 12
WIDTH = 384
EPSILON = 1e-12
OPSET = 20
IR_VERSION = 9
WEIGHT_LIMIT = 63
ROW_LIMIT = 127
CONTRIB = "com.microsoft"


class Graph:
    """Nodes and initialisers in the order they are written; every value is named after what makes it."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initialisers: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.initialisers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def apply(self, operator: str, inputs: list[str], *outputs: str, domain: str = "", **attributes: Any) -> str:
        node = helper.make_node(operator, inputs, list(outputs), name=outputs[0], domain=domain, **attributes)
        self.nodes.append(node)
        return outputs[0]


def round_symmetric(
    weights: NDArray[np.float32], limit: int, axis: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Integers in [-limit, limit] and the scales along `axis` (kept) that bring them back."""
    scales = np.abs(weights).max(axis=axis, keepdims=True) / limit
    scales[scales == 0] = 1
    return np.rint(weights / scales).astype(np.int8), scales.astype(np.float32)


def write_linear(
    graph: Graph, name: str, value: str, weight: NDArray[np.float32], bias: NDArray[np.float32], int8: bool
) -> str:
    """value @ weight.T + bias; in int8 with activations scaled per run (onnxruntime fuses the five nodes)."""
    offset = graph.constant(f"{name}.bias", bias)
    if not int8:
        product = graph.apply("MatMul", [value, graph.constant(f"{name}.weight", weight.T)], f"{name}.product")
        return graph.apply("Add", [product, offset], name)
    integers, scales = round_symmetric(weight.T, WEIGHT_LIMIT, axis=0)
    parts = (f"{name}.int8", f"{name}.int8.scale", f"{name}.int8.zero")
    graph.apply("DynamicQuantizeLinear", [value], *parts)
    operands = [parts[0], graph.constant(f"{name}.weight", integers), parts[2]]
    zero = graph.constant(f"{name}.weight.zero", np.zeros((), np.int8))
    graph.apply("MatMulInteger", [*operands, zero], f"{name}.int32")
    graph.apply("Cast", [f"{name}.int32"], f"{name}.float", to=TensorProto.FLOAT)
    graph.apply("Mul", [parts[1], graph.constant(f"{name}.weight.scale", scales[0])], f"{name}.scale")
    product = graph.apply("Mul", [f"{name}.float", f"{name}.scale"], f"{name}.product")
    return graph.apply("Add", [product, offset], name)


def write_norm(graph: Graph, name: str, value: str, weights: Weights, source: str) -> str:
    gain = graph.constant(f"{name}.gain", weights[f"{source}.weight"])
    offset = graph.constant(f"{name}.bias", weights[f"{source}.bias"])
    return graph.apply("LayerNormalization", [value, gain, offset], name, axis=-1, epsilon=EPSILON)


def write_embeddings(graph: Graph, weights: Weights, int8: bool) -> str:
    words = weights["embeddings.word_embeddings.weight"]
    if int8:
        integers, scales = round_symmetric(words, ROW_LIMIT, axis=1)
        rows = graph.apply("Gather", [graph.constant("words.weight", integers), "input_ids"], "words.int8")
        graph.apply("Cast", [rows], "words.float", to=TensorProto.FLOAT)
        graph.apply("Gather", [graph.constant("words.weight.scale", scales), "input_ids"], "words.scale")
        graph.apply("Mul", ["words.float", "words.scale"], "words")
    else:
        graph.apply("Gather", [graph.constant("words.weight", words), "input_ids"], "words")
    # Every token is of segment 0, whose vector therefore belongs to the position.
    segment = weights["embeddings.token_type_embeddings.weight"][0]
    positions = graph.constant("positions.weight", weights["embeddings.position_embeddings.weight"] + segment)
    zero = graph.constant("zero", np.zeros(1, np.int64))
    length = graph.apply("Shape", ["input_ids"], "length", start=1)
    graph.apply("Slice", [positions, zero, length, zero], "positions")
    graph.apply("Add", ["words", "positions"], "embeddings.sum")
    return write_norm(graph, "embeddings", "embeddings.sum", weights, "embeddings.LayerNorm")


def write_layer(graph: Graph, index: int, value: str, weights: Weights, int8: bool) -> str:
    source, name = f"encoder.layer.{index}", f"layer{index}"

    def linear(to: str, origin: str, of: str) -> str:
        weight, bias = weights[f"{source}.{origin}.weight"], weights[f"{source}.{origin}.bias"]
        return write_linear(graph, f"{name}.{to}", of, weight, bias, int8)

    # One product for query, key and value: their input is scaled to int8 once.
    triple = [f"{source}.attention.self.{part}" for part in ("query", "key", "value")]
    weight = np.concatenate([weights[f"{part}.weight"] for part in triple])
    bias = np.concatenate([weights[f"{part}.bias"] for part in triple])
    joined = write_linear(graph, f"{name}.qkv", value, weight, bias, int8)
    parts = [f"{name}.query", f"{name}.key", f"{name}.value"]
    graph.apply("Split", [joined], *parts, axis=-1, num_outputs=3)
    context = graph.apply("MultiHeadAttention", parts, f"{name}.context", domain=CONTRIB, num_heads=HEADS)
    attended = linear("attended", "attention.output.dense", context)
    graph.apply("Add", [attended, value], f"{name}.attended.sum")
    norm = f"{source}.attention.output.LayerNorm"
    middle = write_norm(graph, f"{name}.attention", f"{name}.attended.sum", weights, norm)
    wide = graph.apply("Gelu", [linear("wide", "intermediate.dense", middle)], f"{name}.gelu")
    graph.apply("Add", [linear("narrow", "output.dense", wide), middle], f"{name}.narrow.sum")
    return write_norm(graph, name, f"{name}.narrow.sum", weights, f"{source}.output.LayerNorm")


def build_model(weights: Weights, *, int8: bool) -> bytes:
    """The serialised ONNX model; the same weights give the same bytes."""
    graph = Graph()
    value = write_embeddings(graph, weights, int8)
    for index in range(LAYERS):
        value = write_layer(graph, index, value, weights, int8)
    axes = graph.constant("tokens.axis", np.ones(1, np.int64))
    pooled = graph.apply("ReduceMean", [value, axes], "pooled", keepdims=0)
    graph.apply("LpNormalization", [pooled], "embedding", axis=-1, p=2)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "all-MiniLM-L6-v2",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, WIDTH])],
            graph.initialisers,
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)],
        ir_version=IR_VERSION,
        producer_name="forebay_models.build",
    )
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)
