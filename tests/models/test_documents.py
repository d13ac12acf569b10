"""Documents that train `injection`: cut from published packages, of which this repository holds places and digests alone."""

from importlib.resources import files

import pytest
from msgspec.structs import replace

from forebay_models.build.corpora import documents
from forebay_models.build.corpora.documents import (
    LEAST,
    LONGEST,
    Cuttings,
    Document,
    DocumentsDiffer,
    Window,
    cut_out,
    digest_of,
    read_documents,
    read_index,
    translations,
)
from forebay_models.build.corpora.packages import Package, PackageMissing, unpack


def test_windows_of_documents_are_of_bounded_length_and_many_kinds_each_of_a_package_at_a_version_with_a_licence():
    index = read_index()
    windows = [window for cuttings in index for window in cuttings.windows]
    assert len(windows) > 4_000
    assert len({window.kind for window in windows}) > 20
    assert all(LEAST <= window.length <= LONGEST and window.start >= 0 for window in windows)
    for cuttings in index:
        assert cuttings.package.version
        assert cuttings.licence
        assert len(set(cuttings.windows)) == len(cuttings.windows)
        assert not any(window.path.startswith("/") or ".." in window.path.split("/") for window in cuttings.windows)


def test_the_page_of_sources_names_each_and_how_many_windows_there_are():
    index = read_index()
    page = files("forebay_models.build.corpora").joinpath("documents.md").read_text(encoding="utf-8")
    assert f"{sum(len(cuttings.windows) for cuttings in index):,} windows" in page
    for cuttings in index:
        assert f"{cuttings.package.name} {cuttings.package.version} ({len(cuttings.windows)})" in page
        assert f"## {cuttings.licence}\n" in page


def test_windows_are_cut_from_files_and_from_translations(tmp_path):
    (tmp_path / "a.md").write_text("0123456789 wörter", encoding="utf-8")
    (tmp_path / "de.po").write_text(
        'msgid "a"\nmsgstr ""\n"Eine lange "\n"Zeile mit \\"Zeichen\\""\n\nmsgid "b"\nmsgstr "kurz"\n\n',
        encoding="utf-8",
    )
    windows = (Window("a.md", "text", 11, 5), Window("de.po", "help", 5, 5, True))
    cuttings = Cuttings(Package("pypi", "a", "1"), "MIT", "", windows)
    assert list(cut_out(cuttings, tmp_path)) == ["wörte", "lange"]
    assert translations((tmp_path / "de.po").read_text(encoding="utf-8")) == 'Eine lange Zeile mit "Zeichen"'


def test_a_package_that_has_changed_is_named(tmp_path, monkeypatch):
    cuttings = Cuttings(Package("pypi", "a", "1"), "MIT", "0" * 16, (Window("a.md", "text", 0, 3),))
    monkeypatch.setattr(documents, "read_index", lambda: [cuttings])
    place = tmp_path / "pypi" / "a@1"
    place.mkdir(parents=True)
    with pytest.raises(DocumentsDiffer, match=r"a 1 \(pypi\) has no file a\.md"):
        read_documents(tmp_path)
    (place / "a.md").write_text("abc", encoding="utf-8")
    with pytest.raises(DocumentsDiffer, match=r"a 1 \(pypi\) has other texts"):
        read_documents(tmp_path)
    monkeypatch.setattr(documents, "read_index", lambda: [replace(cuttings, sha256=digest_of(["abc"]))])
    assert read_documents(tmp_path) == [Document("abc", "text")]


def test_a_package_that_cannot_be_fetched_is_named_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PackageMissing, match=r"example.org/x v1.0.0 \(go\): `go mod download` did not run"):
        unpack(Package("go", "example.org/x", "v1.0.0"), tmp_path)
    assert [each.name for each in (tmp_path / "go").iterdir() if not each.name.endswith(".part")] == []
