"""Fine-tunes the upper layers on all tasks at once: one encoder, one pass, many heads.

Each text has one or more targets; the loss is the cross-entropy of a linear head per task on the unit vector. Texts are
batched with others of their length, and a batch holds a fixed number of tokens. A run is cut into legs: after each, all
state is written to one file, from which an interrupted run goes on as if it had not been.
"""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from forebay_models.build.source import Weights
from forebay_models.build.training.bert import embed
from forebay_models.cut import cut_middle
from forebay_models.wordpiece import FRAME_END, FRAME_START, WordPiece

LENGTHS = (16, 24, 32, 48, 64, 96, 128)
TOKENS_A_BATCH = 2048
FROZEN_LAYERS = 2
RATE = 1.5e-4
HEAD_RATE = 3e-3
WARM_UP = 0.06
SMOOTHING = 0.05
PULL = 0.0
SCALE = 12.0
LEG = 100


@dataclass(frozen=True, slots=True)
class Lesson:
    """A text with its task, label number and weight in the loss."""

    text: str
    task: str
    label: int
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Batch:
    ids: NDArray[np.int32]
    mask: NDArray[np.float32]
    task: NDArray[np.int32]
    label: NDArray[np.int32]
    weight: NDArray[np.float32]


def tokenise(wordpiece: WordPiece, texts: Sequence[str], cap: int = LENGTHS[-1]) -> list[NDArray[np.int32]]:
    """Framed ids, of a long text the head and the tail, as the encoder reads it."""
    rows = []
    for text in texts:
        pieces = cut_middle(wordpiece.encode(cut_middle(text, cap * 16)), cap - 2)
        rows.append(np.array([FRAME_START, *pieces, FRAME_END], np.int32))
    return rows


def make_batches(
    rows: Sequence[NDArray[np.int32]], lessons: Sequence[Lesson], tasks: Sequence[str], epochs: int, seed: int
) -> list[Batch]:
    """All batches of a run, in order. A last batch of a length that is not full is filled with copies of weight 0."""
    chance = np.random.default_rng(seed)
    lengths = np.array([len(row) for row in rows])
    bucket = np.searchsorted(LENGTHS, lengths)
    batches: list[Batch] = []
    for _ in range(epochs):
        epoch = []
        for at, length in enumerate(LENGTHS):
            size = TOKENS_A_BATCH // length
            chosen = chance.permutation(np.flatnonzero(bucket == at))
            for start in range(0, len(chosen), size):
                epoch.append(_batch(rows, lessons, tasks, chosen[start : start + size], length, size))
        batches += [epoch[i] for i in chance.permutation(len(epoch))]
    return batches


def _batch(
    rows: Sequence[NDArray[np.int32]],
    lessons: Sequence[Lesson],
    tasks: Sequence[str],
    chosen: NDArray[np.int64],
    length: int,
    size: int,
) -> Batch:
    real = len(chosen)
    chosen = np.concatenate([chosen, np.repeat(chosen[:1], size - real)])
    ids, mask = np.zeros((size, length), np.int32), np.zeros((size, length), np.float32)
    for at, number in enumerate(chosen):
        ids[at, : len(rows[number])] = rows[number]
        mask[at, : len(rows[number])] = 1
    weight = np.array([lessons[n].weight for n in chosen], np.float32)
    weight[real:] = 0
    task = np.array([tasks.index(lessons[n].task) for n in chosen], np.int32)
    label = np.array([lessons[n].label for n in chosen], np.int32)
    return Batch(ids, mask, task, label, weight)


def _loss(trained: Any, frozen: Any, start: Any, owner: Any, offsets: Any, batch: Any) -> Any:
    ids, mask, task, label, weight = batch
    vectors = embed(frozen, trained["layers"], ids, mask)
    logits = SCALE * (vectors @ trained["head"]) + trained["bias"]
    # Each text competes among its own task's labels only.
    own = owner[None, :] == task[:, None]
    log = jax.nn.log_softmax(jnp.where(own, logits, -1e9))
    right = jnp.take_along_axis(log, (offsets[task] + label)[:, None], axis=1)[:, 0]
    spread = (jnp.where(own, log, 0.0)).sum(1) / own.sum(1)
    each = -(1 - SMOOTHING) * right - SMOOTHING * spread
    loss = (each * weight).sum() / jnp.maximum(weight.sum(), 1.0)
    if PULL:
        loss += PULL * sum(((trained["layers"][k] - start[k]) ** 2).sum() for k in start)
    hit = (jnp.where(own, logits, -1e9).argmax(1) == offsets[task] + label) * (weight > 0)
    return loss, (hit.sum(), (weight > 0).sum())


@partial(jax.jit, donate_argnums=(0, 1, 2))
def _step(
    trained: Any, mean: Any, square: Any, frozen: Any, start: Any, owner: Any, offsets: Any, batch: Any, step: Any, rate: Any
) -> Any:
    (loss, seen), gradient = jax.value_and_grad(_loss, has_aux=True)(trained, frozen, start, owner, offsets, batch)
    size = jnp.sqrt(sum((g**2).sum() for g in jax.tree.leaves(gradient)))
    clip = jnp.minimum(1.0, 1.0 / (size + 1e-9))
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g * clip, mean, gradient)
    square = jax.tree.map(lambda s, g: 0.98 * s + 0.02 * (g * clip) ** 2, square, gradient)

    def move(value: Any, m: Any, s: Any, scale: float) -> Any:
        return value - rate * scale * (m / (1 - 0.9**step)) / (jnp.sqrt(s / (1 - 0.98**step)) + 1e-8)

    layers = jax.tree.map(lambda v, m, s: move(v, m, s, 1.0), trained["layers"], mean["layers"], square["layers"])
    head = move(trained["head"], mean["head"], square["head"], HEAD_RATE / RATE)
    bias = move(trained["bias"], mean["bias"], square["bias"], HEAD_RATE / RATE)
    return {"layers": layers, "head": head, "bias": bias}, mean, square, loss, seen


def _is_trained(name: str, frozen_layers: int) -> bool:
    return name.startswith("encoder.layer.") and int(name.split(".")[2]) >= frozen_layers


def finetune(
    weights: Weights,
    wordpiece: WordPiece,
    lessons: Sequence[Lesson],
    labels: Mapping[str, int],
    *,
    steps: int,
    seed: int,
    state: Path,
    frozen_layers: int = FROZEN_LAYERS,
    rate: float = RATE,
) -> Weights:
    """The weights after the first `steps` batches of one epoch over `lessons`, or all of them; the rate falls as if the
    epoch were run to its end. `labels` says how many labels each task has. `state` is the file that a run is continued
    from; it belongs to one recipe, so its name should hold the recipe's digest."""
    tasks = list(labels)
    sizes = np.array([labels[task] for task in tasks])
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
    owner = np.repeat(np.arange(len(tasks)), sizes).astype(np.int32)
    batches = make_batches(tokenise(wordpiece, [each.text for each in lessons]), lessons, tasks, 1, seed)
    start = {name: tensor for name, tensor in weights.items() if _is_trained(name, frozen_layers)}
    frozen = {name: jnp.asarray(tensor) for name, tensor in weights.items() if name not in start}
    trained: Any = {
        "layers": {name: jnp.asarray(tensor) for name, tensor in start.items()},
        "head": jnp.zeros((384, int(sizes.sum())), jnp.float32),
        "bias": jnp.zeros(int(sizes.sum()), jnp.float32),
    }
    mean, square = jax.tree.map(jnp.zeros_like, trained), jax.tree.map(jnp.zeros_like, trained)
    leaves, shape = jax.tree.flatten((trained, mean, square))
    done = 0
    if state.exists():
        with np.load(state) as saved:
            done = int(saved["done"])
            leaves = [jnp.asarray(saved[f"leaf{at}"]) for at in range(len(leaves))]
        trained, mean, square = jax.tree.unflatten(shape, leaves)
    anchor = {name: jnp.asarray(tensor) for name, tensor in start.items()}
    began, tokens, hits, count, losses = time.monotonic(), 0.0, 0, 0, 0.0
    last = min(steps, len(batches))
    for step, batch in enumerate(batches[:last], start=1):
        if step <= done:
            continue
        progress = step / len(batches)
        now = rate * min(progress / WARM_UP, (1 - progress) / (1 - WARM_UP) + 1e-3)
        packed = (batch.ids, batch.mask, batch.task, batch.label, batch.weight)
        trained, mean, square, loss, seen = _step(
            trained, mean, square, frozen, anchor, owner, offsets, packed, jnp.float32(step), jnp.float32(now)
        )
        hits, count, losses = hits + int(seen[0]), count + int(seen[1]), losses + float(loss)
        tokens += batch.ids.size
        if step % LEG == 0 or step == last:
            _save(state, step, (trained, mean, square))
            took = time.monotonic() - began
            print(
                f"fine-tune {state.stem}: {step:,} of {last:,}, loss {losses / LEG:.3f}, "
                f"right {hits / max(count, 1):.3f}, {tokens / took:,.0f} tokens/s",
                file=sys.stderr,
                flush=True,
            )
            hits, count, losses = 0, 0, 0.0
    layers = {name: np.asarray(tensor, np.float32) for name, tensor in trained["layers"].items()}
    return {**weights, **layers}


def _save(path: Path, done: int, trees: Any) -> None:
    part = path.with_suffix(".part")
    leaves = {f"leaf{at}": np.asarray(leaf) for at, leaf in enumerate(jax.tree.leaves(trees))}
    with part.open("wb") as file:
        np.savez(file, done=done, **leaves)
    part.replace(path)
