"""Manifests as people write them -> contract structs; what is wrong comes with its line, its path and what mends it."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from forebay_api.admission.fault import suggest
from forebay_api.admission.review import review
from forebay_api.base import API_VERSION, GROUP
from forebay_api.document.builder import Malformed
from forebay_api.document.stream import Document, read_document, split_documents
from forebay_api.local import LocalConfig
from forebay_api.path import Path, render_path
from forebay_api.policy import RoutingPolicy
from forebay_api.policy_data import BadBinary, ConfigMap, is_policy_data, read_config_map
from forebay_api.pool import ModelPool
from forebay_api.schema.envelope import CONFIG_MAP, object_shape
from forebay_api.schema.kinds import KINDS
from forebay_api.schema.shape import Shape
from forebay_api.schema.structs import shape_of

Manifest = RoutingPolicy | ModelPool | ConfigMap
"""What is read: our kinds, and ConfigMaps with the label by which policies may refer to them."""

MAX_TEXT: Final = 16 << 20
"""Characters of one source, all documents together."""
MAX_DOCUMENTS: Final = 1000
PASSED_OVER: Final = "passed over: "
"""How the message about a document begins that is not ours and asks for nothing."""
_MAX_ERRORS: Final = 50
_OBJECT_FIELDS: Final = frozenset({"apiversion", "kind", "metadata", "spec", "status", "items"})


class ManifestError(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a manifest that its author should know.

    `source` is the file; `line` is 1-based; `name` is ``Kind namespace/name`` as far as the document says it; `path` is
    Kubernetes' way to write places (``spec.rules[2].when``), empty for the whole object. A ``Warning`` refuses nothing.
    """

    source: str
    message: str
    line: int | None = None
    name: str = ""
    path: str = ""
    severity: Literal["Error", "Warning"] = "Error"

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        return ": ".join(part for part in (place, self.name, self.path, self.message) if part)


class ManifestsRefused(Exception):
    """A source that holds one thing, and that thing is wrong."""

    def __init__(self, errors: tuple[ManifestError, ...]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors


def load_manifests(text: str | bytes, source: str) -> tuple[list[Manifest], list[ManifestError]]:
    """All good objects of a multi-document YAML text, and what is wrong with the others.

    Refuses what an API server with our CRDs would refuse, and nothing for another document's sake. Documents of other
    groups are passed over with a Warning. A `status` is dropped, as an API server does.
    """
    objects: list[Manifest] = []
    errors: list[ManifestError] = []
    taken: dict[str, int] = {}
    try:
        documents = list(split_documents(_decode(text)))
        if len(documents) > MAX_DOCUMENTS:
            raise Malformed(f"has {len(documents)} documents: at most {MAX_DOCUMENTS} are read", documents[-1][1])
    except Malformed as malformed:
        return [], [ManifestError(source=source, line=malformed.line, message=malformed.message)]
    for chunk, line in documents:
        reader = _Reader(source)
        made = reader.read(chunk, line, taken)
        if made is not None:
            objects.append(made)
        errors.extend(reader.errors)
    return objects, errors


def load_local_config(text: str | bytes, source: str) -> LocalConfig:
    """The content of a forebay.yaml; empty text is all defaults. Raises ManifestsRefused."""
    reader = _Reader(source)
    try:
        documents = list(split_documents(_decode(text)))
        if len(documents) > 1:
            raise Malformed("holds one document only: call a file with manifests otherwise", documents[1][1])
        document = read_document(*documents[0]) if documents else Document({}, 1, {}, ())
    except Malformed as malformed:
        raise ManifestsRefused((reader.report(malformed),)) from None
    reader.document = document
    if isinstance(document.value, dict) and {"apiVersion", "kind"} <= document.value.keys():
        reader.refuse((), "a file of this name holds settings, and this one holds an object: call it otherwise")
        raise ManifestsRefused(tuple(reader.errors))
    settled, faults = review({} if document.value is None else document.value, shape_of(LocalConfig))
    for fault in faults:
        reader.refuse(fault.path, fault.message)
    if not reader.refused:
        return msgspec.convert(settled, LocalConfig)
    raise ManifestsRefused(tuple(reader.errors))


def _decode(text: str | bytes) -> str:
    if isinstance(text, bytes):
        encoded = text
        try:
            text = encoded.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = encoded.count(b"\n", 0, error.start) + 1
            raise Malformed("not UTF-8: save the file in that encoding", line) from None
    if len(text) > MAX_TEXT:
        raise Malformed(f"has {len(text)} characters: at most {MAX_TEXT} are read", 1)
    return text


class _Reader:
    """Reads one document, and gathers what is to be said about it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.errors: list[ManifestError] = []
        self.document: Document | None = None
        self.name = ""
        self.refused = False

    def read(self, chunk: str, line: int, taken: dict[str, int]) -> Manifest | None:
        """The object of one document, or None. `taken` maps names to the lines of earlier objects, and grows."""
        try:
            document = self.document = read_document(chunk, line)
        except Malformed as malformed:
            self.name = _name_of(malformed.partial)
            self.errors.append(self.report(malformed))
            return None
        if document.value is None:
            return None
        known = self._identify(document.value)
        if known is None:
            return None
        self._check_taken(taken)
        return self._convert(document, *known)

    def refuse(self, path: Path, message: str) -> None:
        self._say(path, message, "Error")
        self.refused = True

    def report(self, malformed: Malformed) -> ManifestError:
        return ManifestError(
            source=self.source,
            line=malformed.line,
            name=self.name,
            path=render_path(malformed.path),
            message=malformed.message,
        )

    def _say(self, path: Path, message: str, severity: Literal["Error", "Warning"]) -> None:
        line = None if self.document is None else self.document.line_of(path)
        if len(self.errors) == _MAX_ERRORS:
            path, message, line = (), "has more errors: mend these first", None
        elif len(self.errors) > _MAX_ERRORS:
            return
        self.errors.append(
            ManifestError(
                source=self.source,
                line=line,
                name=self.name,
                path=render_path(path),
                message=message,
                severity=severity,
            )
        )

    def _identify(self, value: Any) -> tuple[Shape, type[Manifest]] | None:
        """What an object of this kind looks like, and what becomes of it; None where it is none to be read."""
        if not isinstance(value, dict):
            self.refuse((), "must be an object with apiVersion, kind, metadata and spec")
            return None
        version, kind = value.get("apiVersion"), value.get("kind")
        self.name = _name_of(value)
        group = version.partition("/")[0] if isinstance(version, str) else None
        if is_policy_data(value):
            return CONFIG_MAP, ConfigMap
        if group == "v1" and kind == "List":
            self.refuse(("items",), "lists are not read: write each item as a document of its own, separated by ---")
        elif group != GROUP and not (kind in KINDS and _is_like_ours(group)):
            self._pass_over(value, version, kind)
        elif version != API_VERSION:
            self.refuse(("apiVersion",), f"must be {API_VERSION}")
        elif not isinstance(kind, str) or kind not in KINDS:
            self.refuse(("kind",), f"{GROUP} has no such kind{suggest(str(kind), KINDS)}")
        else:
            return object_shape(KINDS[kind]), KINDS[kind].struct
        return None

    def _pass_over(self, value: dict[str, Any], version: Any, kind: Any) -> None:
        if isinstance(version, str) and isinstance(kind, str):
            self._say(("kind",), f"{PASSED_OVER}{version} {kind} is not Forebay's", "Warning")
        elif not _is_like_an_object(value):
            self._say(
                (), f"{PASSED_OVER}this is no object of Kubernetes: it has neither apiVersion nor kind", "Warning"
            )
        else:
            missing = "apiVersion" if not isinstance(version, str) else "kind"
            self.refuse((missing,), "is required, as text")

    def _check_taken(self, taken: dict[str, int]) -> None:
        if self.document is None or not self.name:
            return
        line = self.document.line_of(("metadata", "name"))
        first = taken.setdefault(self.name, line)
        if first != line:
            self.refuse(("metadata", "name"), f"the object stands here twice, first at line {first}: remove one")

    def _convert(self, document: Document, shape: Shape, struct: type[Manifest]) -> Manifest | None:
        value = {key: member for key, member in document.value.items() if key != "status"}
        settled, faults = review(value, shape)
        for fault in faults:
            self.refuse(fault.path, fault.message)
        for bare in document.bare:
            self._say(
                bare.path,
                f'kubectl would read {bare.text[:40]} as {bare.reading}: write "{bare.text[:40]}" in quotes, so that it means '
                "the same in a cluster",
                "Warning",
            )
        if self.refused:
            return None
        try:
            return read_config_map(settled) if struct is ConfigMap else msgspec.convert(settled, struct)
        except BadBinary as error:
            self.refuse(("binaryData", error.key), str(error))
            return None
        except msgspec.ValidationError as error:
            # The shape has let through what the struct does not take: our fault, but one object's, and not a crash.
            self.refuse((), str(error).replace("$.", ""))
            return None


def _name_of(value: Any) -> str:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        return ""
    namespace = metadata.get("namespace") or "default"
    kind = value.get("kind")
    return (f"{kind[:63]} " if isinstance(kind, str) else "") + f"{namespace}/{metadata['name']}"[:200]


def _is_like_an_object(value: dict[str, Any]) -> bool:
    """Whether somebody may have meant an object: one field of its own is enough, however it is spelt."""
    return any(key.lower() in _OBJECT_FIELDS for key in value)


def _is_like_ours(group: str | None) -> bool:
    return group is None or suggest(group, [GROUP]).startswith(": did")
