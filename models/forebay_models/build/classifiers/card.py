"""The card beside a shipped head: made from what, how, how good, where it fails."""

from importlib.metadata import version

from forebay_models.build.classifiers.finding import Finding, table
from forebay_models.build.classifiers.made import Made
from forebay_models.build.metrics import RESAMPLES, SEED
from forebay_models.heads.calibrate import BINS

WHAT = {
    "domain": (
        "Which field a text is about: the 14 domains of MMLU-Pro, and `chat` for small talk. Map them as you need; the "
        "house's mapping is in docs/models.md."
    ),
    "injection": (
        "The probability that a text tries to turn a model against its instructions: prompt injection, jailbreaks, "
        "extraction of a system prompt. Not whether a request is harmful in itself."
    ),
    "difficulty": (
        "The probability that a small model fails where a large one does not; also banded into low, medium and high at "
        "the 40 % and 80 % quantiles of the calibration rows."
    ),
}
HOW = {
    "domain": (
        "One hidden layer of 128 on the encoder's vector and the text's surface, softmax. Rows: 70 % of MMLU-Pro's "
        "questions by a hash of their text, half of them with their options, and part of CLINC150's small talk. "
        "Calibrated by a temperature on 10 % that fitted nothing; measured on 20 %."
    ),
    "injection": (
        "One hidden layer of 64 on the encoder's vector and the text's surface, sigmoid, isotonic steps. Rows: three "
        "public sets of attacks; WildGuard's benign prompts, questions and banking requests as harmless texts; and texts "
        "made by a grammar of our own (harmless sentences full of trigger words, role play, documents; attacks short, "
        "long, hidden in documents, and disguised in nine ways, harmless texts disguised as often). Near copies of "
        "PIGuard, XSTest and the in-the-wild jailbreaks were dropped. The grammar's author had seen samples of all sets, "
        "those left out in folds included. 15 % of the rows, by a hash of their text, fitted nothing: one half of them "
        "bends the curve and the whole sets the threshold at 3 % false alarms, chosen before any measuring set was scored."
    ),
    "difficulty": (
        "A linear head on the encoder's vector and the surface of a whole prompt, sigmoid, isotonic steps. Rows: RouteLLM's "
        "MMLU table; 15 % of it calibrates. Scores are about Mixtral-8x7B and GPT-4-1106 on multiple-choice questions; "
        "order carries over better than the probability does."
    ),
}
FAILURES = {
    "domain": (
        "Learnt from exam questions: an everyday request of a field is less sure than an exam question of it, and what is "
        "of no field lands in `other` or below the threshold.",
        "Legal, medical and business questions overlap; a rule should name all domains it cares about.",
        "English. Other scripts are unknown; other languages in Latin letters are guessed at.",
    ),
    "injection": (
        "A plain harmful request without any trick is not an attack to this model; use a moderation model for that.",
        "Attacks in scripts other than Latin are unknown; in other languages in Latin letters they were learnt from 1,034 "
        "short examples and a few dozen of our own.",
        "Instructions that look like a user's own wish, planted in a document (\"Suggest weekend getaways\"), look like one here too.",
        "A payload in the middle of a text beyond 256 tokens is not read; `scope: ToolResults` reads results window by window.",
        "Disguises it was not trained on (ciphers, other encodings) pass.",
    ),
    "difficulty": (
        "Weak, as all published ones on this table are: it orders requests somewhat better than their length does.",
        "Fitted on multiple-choice questions; the probability means little for other tasks until calibrated (`forebay calibrate`).",
        "Which domains are hard depends on the two models; left-out domains get none of that.",
    ),
}  # fmt: skip


def write_card(made: Made, digest: str, size: int, findings: list[Finding], curve: list[str]) -> str:
    """Markdown. `curve`: lines of a learning curve, or none."""
    manifest = made.manifest
    sources = [
        f"- {each.name}: {each.licence}" + (f", commit {each.commit}" if each.commit else "")
        for each in manifest.sources
    ]
    return "\n".join(
        [
            f"# {manifest.name}",
            "",
            "Written by `python -m forebay_models.build`; do not edit.",
            "",
            WHAT[manifest.name],
            "",
            f"- File digest `{digest}`, {size:,} bytes; encoder `{manifest.encoder}`.",
            f"- Labels: {', '.join(manifest.labels)}. Threshold {manifest.threshold}"
            + (f", bands {manifest.bands[0]} and {manifest.bands[1]}" if manifest.bands else "")
            + ".",
            f"- With numpy {version('numpy')}; seeds and splits are constants of the recipe.",
            "",
            "## Made from",
            *sources,
            "",
            "## How",
            HOW[manifest.name],
            "",
            "## Quality",
            f"95 % intervals in brackets: bootstrap over rows, {RESAMPLES:,} resamples, seed {SEED}; gains are paired on the "
            "same rows, and the reference was fitted in the same run. Nothing was tuned on a measuring set. `fold`: a head "
            "fitted without what it is measured on, which does not ship.",
            "",
            *table(findings),
            "",
            f"Expected calibration error ({BINS} bins) on calibration rows: {manifest.quality.get('calibrateEce', float('nan')):.3f}.",
            "",
            *(["## Learning curve", *curve, ""] if curve else []),
            "## Cost",
            "A head adds microseconds to the encoder's pass, which all heads share (see [transformer](../transformer.md)); the "
            "surface some tens of microseconds for a short prompt, and a bounded time for any.",
            "",
            "## Known failures",
            *(f"- {failure}" for failure in FAILURES[manifest.name]),
            "",
        ]
    )
