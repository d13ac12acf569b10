"""The report's sections: each measures one family of signals and returns Markdown; charts go beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from forebay_cli.quality import charts, peers
from forebay_cli.quality.judged import measure_judged
from forebay_cli.quality.personal import measure_personal
from forebay_models.build.classifiers import asks, difficulty, domain, injection, intents
from forebay_models.build.classifiers.finding import table
from forebay_models.build.classifiers.made import Made
from forebay_models.build.corpora.documents import read_documents
from forebay_models.build.heads import make_folds
from forebay_models.build.mixture import DOMAINS, Material, read_material
from forebay_models.build.vectors import Vectors
from forebay_models.heads.calibrate import reliability
from forebay_models.heads.library import Library
from forebay_models.load import load_encoder


class Bench(msgspec.Struct, frozen=True):
    """What every section needs. `work` keeps what is costly to make, `out` is where charts go. The rows of `injection` in
    `material` lack the documents, for which packages have to be fetched."""

    data: Path
    work: Path
    material: Material
    vectors: Vectors
    out: Path

    def shipped(self, name: str) -> Made:
        head = Library().ship(name)
        return Made(head.manifest, head.arrays)


def set_up(data: Path, work: Path, out: Path) -> Bench:
    """Raises OSError where a data set is missing, EncoderError where the encoder is."""
    for folder in (work, out):
        folder.mkdir(parents=True, exist_ok=True)
    return Bench(data, work, read_material(data, ()), Vectors(work, load_encoder("Transformer")), out)


def _domain(bench: Bench) -> list[str]:
    findings, beliefs, labels = domain.measure(bench.material, bench.vectors, bench.shipped("domain"))
    hits = (beliefs.argmax(axis=1) == labels).astype(np.float32)
    curve = reliability(beliefs.max(axis=1), hits)
    charts.draw_reliability({"domain, test": curve}, bench.out / "domain-reliability.png", "domain: MMLU-Pro test")
    charts.draw_confusions(
        labels, beliefs.argmax(axis=1), DOMAINS, bench.out / "domain-confusions.png", "domain: % of each row"
    )
    return [
        *table(findings),
        "",
        f"Expected calibration error on test rows, 15 bins: {curve.error:.3f}.",
        "",
        "![reliability](domain-reliability.png) ![confusions](domain-confusions.png)",
    ]


def _injection(bench: Bench) -> list[str]:
    shipped = bench.shipped("injection")
    material = read_material(bench.data, read_documents(bench.work / "packages"))
    folds = make_folds(material, bench.vectors)
    findings, curves = injection.measure(bench.data, material, bench.vectors, shipped, folds)
    drawn = {
        name: reliability(scores, truth.astype(np.float32))
        for name, (scores, truth) in curves.items()
        if "in dist" in name
    }
    charts.draw_roc(curves, bench.out / "injection-roc.png", "injection")
    charts.draw_reliability(drawn, bench.out / "injection-reliability.png", "injection: validation splits")
    parts = [
        (f"### {split}", *table([each for each in findings if each.split == split]), "")
        for split in dict.fromkeys(each.split for each in findings)
    ]
    errors = ", ".join(f"{name} {curve.error:.3f}" for name, curve in drawn.items())
    return [
        *(line for part in parts for line in part),
        f"Expected calibration error, 15 bins: {errors}.",
        "",
        "![ROC](injection-roc.png) ![reliability](injection-reliability.png)",
    ]


def _difficulty(bench: Bench) -> list[str]:
    findings, orders, weak, strong = difficulty.measure(bench.material, bench.vectors)
    charts.draw_cost_curve(orders, weak, strong, bench.out / "difficulty.png", "RouteLLM MMLU, domains left out")
    return [*table(findings), "", "![cost curve](difficulty.png)"]


def _asks(bench: Bench) -> list[str]:
    shipped = bench.shipped(asks.NAME)
    whole = measure_judged(shipped, bench.vectors)
    return [*table(whole), "", *table(asks.measure(asks.rows_of(bench.material), bench.vectors, shipped))]


def _trained(bench: Bench) -> list[str]:
    lines: list[str] = []
    for dataset in (bench.material.clinc, bench.material.banking):
        findings, right, beliefs = intents.measure(dataset, bench.vectors)
        hits = (beliefs.argmax(axis=1) == right).astype(np.float32)
        picture = f"{dataset.name}-reliability.png"
        charts.draw_reliability(
            {dataset.name: reliability(beliefs.max(axis=1), hits)}, bench.out / picture, "trained head"
        )
        lines += [*table(findings), "", f"![reliability]({picture})", "", *peers.similarity(dataset, bench.vectors), ""]
    return lines


def _personal(bench: Bench) -> list[str]:
    return measure_personal(bench.data)


SECTIONS: Final[Mapping[str, Callable[[Bench], list[str]]]] = {
    "domain": _domain,
    "injection": _injection,
    "difficulty": _difficulty,
    "asks": _asks,
    "trained": _trained,
    "pii": _personal,
}
