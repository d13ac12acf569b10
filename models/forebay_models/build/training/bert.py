"""MiniLM's forward pass in jax, for gradients; the shipped graph is written from the same tensors (`build/graph.py`).

jax rather than torch: its CPU wheel is 80 MB, where torch's on the registry brings gigabytes of CUDA along.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from forebay_models.build.graph import EPSILON, HEADS, LAYERS

Array = jax.Array
Tensors = Mapping[str, Any]


def _norm(value: Array, tensors: Tensors, name: str) -> Array:
    centred = value - value.mean(-1, keepdims=True)
    scaled = centred * jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
    return scaled * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]


def _linear(value: Array, tensors: Tensors, name: str) -> Array:
    return value @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]


def _split(value: Array) -> Array:
    count, length, width = value.shape
    return value.reshape(count, length, HEADS, width // HEADS).transpose(0, 2, 1, 3)


def _layer(value: Array, bias: Array, tensors: Tensors, name: str) -> Array:
    attention = f"{name}.attention"
    query, key, content = (_split(_linear(value, tensors, f"{attention}.self.{p}")) for p in ("query", "key", "value"))
    scores = query @ key.transpose(0, 1, 3, 2) / jnp.sqrt(query.shape[-1]) + bias
    context = (jax.nn.softmax(scores) @ content).transpose(0, 2, 1, 3).reshape(value.shape)
    middle = _norm(
        value + _linear(context, tensors, f"{attention}.output.dense"), tensors, f"{attention}.output.LayerNorm"
    )
    wide = jax.nn.gelu(_linear(middle, tensors, f"{name}.intermediate.dense"), approximate=False)
    return _norm(middle + _linear(wide, tensors, f"{name}.output.dense"), tensors, f"{name}.output.LayerNorm")


def embed(frozen: Tensors, trained: Tensors, ids: Array, mask: Array) -> Array:
    """Unit vectors [texts, 384] of `ids` [texts, tokens] under `mask` (1 for a token, 0 for padding).

    No gradient flows into `frozen`, so the layers below the first trained one cost a forward pass only.
    """
    tensors = {**frozen, **trained}
    words = tensors["embeddings.word_embeddings.weight"][ids]
    segment = tensors["embeddings.token_type_embeddings.weight"][0]
    positions = tensors["embeddings.position_embeddings.weight"][: ids.shape[1]] + segment
    value = _norm(words + positions, tensors, "embeddings.LayerNorm")
    bias = jnp.where(mask[:, None, None, :] > 0, 0.0, -1e9)
    for index in range(LAYERS):
        value = _layer(value, bias, tensors, f"encoder.layer.{index}")
    pooled = (value * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
    return pooled / jnp.linalg.norm(pooled, axis=-1, keepdims=True)
