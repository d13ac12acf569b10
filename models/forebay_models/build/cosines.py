"""What cosines to expect: the ground for a threshold, and the failures a reader should see in figures."""

from dataclasses import dataclass

import numpy as np

from forebay_models.build.quality import SEED, Labels, Vectors
from forebay_models.encoder import Encoder

SAMPLE = 1_000
PROBES = (
    ("negation", "Cancel my order", "Do not cancel my order"),
    ("numbers", "Pay 10 dollars", "Pay 10,000 dollars"),
    ("word order", "The dog bites the man", "The man bites the dog"),
    ("Spanish", "How is the weather today?", "¿Qué tiempo hace hoy?"),
    ("Chinese", "How is the weather today?", "今天天气怎么样？"),
    ("emoji", "🙂", "🚀"),
)


@dataclass(frozen=True, slots=True)
class Cosines:
    """Of pairs of test texts: the median within a label; the 95th and 99th percentile between labels; and each probe."""

    alike: float
    unlike_95: float
    unlike_99: float
    probes: tuple[float, ...]


def measure_cosines(encoder: Encoder, test: Vectors, labels: Labels) -> Cosines:
    """Over the pairs of 1,000 random rows of `test`."""
    chosen = np.random.default_rng(SEED).permutation(len(test))[:SAMPLE]
    upper = np.triu_indices(len(chosen), 1)
    cosine = (test[chosen] @ test[chosen].T)[upper]
    same = (labels[chosen][:, None] == labels[chosen])[upper]
    pairs = (encoder.encode([left, right]) for _, left, right in PROBES)
    return Cosines(
        alike=float(np.median(cosine[same])),
        unlike_95=float(np.quantile(cosine[~same], 0.95)),
        unlike_99=float(np.quantile(cosine[~same], 0.99)),
        probes=tuple(float(left @ right) for left, right in pairs),
    )


def format_cosines(cosines: Cosines) -> list[str]:
    return [
        f"Pairs of CLINC150 test texts: median {cosines.alike:.2f} within an intent; between intents 95 % lie below "
        f"{cosines.unlike_95:.2f} and 99 % below {cosines.unlike_99:.2f}.",
        "",
        "| probe | one text | the other | cosine |",
        "|---|---|---|---|",
        *(
            f"| {name} | {left} | {right} | {value:.2f} |"
            for (name, left, right), value in zip(PROBES, cosines.probes, strict=True)
        ),
    ]
