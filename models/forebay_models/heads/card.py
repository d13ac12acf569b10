"""The card beside a user's head: what it was made from, how good it is, and what it does not know."""

from __future__ import annotations

from forebay_models.heads.head import HeadManifest
from forebay_models.heads.train import Report

SHOWN = 30


def write_card(manifest: HeadManifest, report: Report, digest: str, source: str) -> str:
    """Markdown. `source` names the file of labelled texts; no text of it is quoted."""
    measure = "accuracy" if manifest.choice == "One" else "F1"
    rows = sorted(report.counts.items(), key=lambda each: -each[1])
    more = [f"| and {len(rows) - SHOWN} more | |"] if len(rows) > SHOWN else []
    return "\n".join(
        [
            f"# {manifest.name}",
            "",
            "Written by `forebay train`.",
            "",
            f"- File digest `{digest}`; encoder `{manifest.encoder}`.",
            f"- Made from {report.rows:,} texts of `{source}`; {len(manifest.labels)} labels, "
            f"{'several a text' if manifest.choice == 'Several' else 'one a text'}.",
            f"- {measure.capitalize()} {report.score:.3f} (95 % interval {report.low:.3f} to {report.high:.3f}, bootstrap "
            "over texts): five-fold cross-fitting on the same file. Texts of another kind may do worse.",
            f"- Expected calibration error {report.calibration_error:.3f} ({report.bins} bins, cross-fitted, after a "
            f"temperature of {manifest.temperature}).",
            f"- Threshold {manifest.threshold}: {_threshold_rule(manifest)}",
            "",
            "| label | texts |",
            "|---|---|",
            *(f"| {name} | {count} |" for name, count in rows[:SHOWN]),
            *more,
            "",
            "## Most frequent confusions",
            *(f"- {right} taken for {found}: {count}" for right, found, count in report.confusions),
            *([] if report.confusions else ["- none"]),
            "",
            "## Known limits",
            f"- Reads {manifest.max_tokens} tokens of a text: of a longer one the head and the tail.",
            "- Unknown for texts without words"
            + (" and for scripts other than Latin." if manifest.latin_only else "."),
            "- A text that is none of the labels still gets the likeliest one as its label, but does not match.",
            "",
        ]
    )


def _threshold_rule(manifest: HeadManifest) -> str:
    if manifest.choice == "One":
        return (
            "95 % of the right answers are at least as sure; a text below it matches nothing, nor one whose energy is below "
            f"{manifest.scope}, as 5 % of the texts above are."
        )
    return "a label at or above it applies."
