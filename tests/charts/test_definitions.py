"""The chart's copies of the CRDs."""

from __future__ import annotations

from pathlib import Path

from forebay_api.schema.__main__ import main

ROOT = Path(__file__).parents[2]
COPIES = ROOT / "charts/forebay-crds/files"


def test_the_charts_definitions_are_those_of_crds_byte_by_byte() -> None:
    originals = {path.name: path.read_bytes() for path in (ROOT / "crds").glob("*.yaml")}

    assert {path.name: path.read_bytes() for path in COPIES.iterdir()} == originals


def test_a_copy_that_differs_is_found(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    arguments = ["--out", str(tmp_path / "crds"), "--chart", str(copy)]
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0

    (copy / "forebay.dev_modelpools.yaml").write_text("apiVersion: v1\n")

    assert main([*arguments, "--check"]) == 1
