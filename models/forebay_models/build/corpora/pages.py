"""Windows of this project's own documentation, programs and manifests, as a tool gives them back: cut anywhere, full of marks, and
no attack. Frozen in `pages.jsonl`, so that a head does not change with a comma in the documentation.
"""

from importlib.resources import files

import msgspec


class _Page(msgspec.Struct, frozen=True):
    text: str


def read_pages() -> list[str]:
    """650 windows of 80 to 480 letters."""
    text = files("forebay_models.build.corpora").joinpath("pages.jsonl").read_text(encoding="utf-8")
    return [msgspec.json.decode(line, type=_Page).text for line in text.split("\n") if line]
