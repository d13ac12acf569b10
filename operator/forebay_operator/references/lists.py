"""Lists that policies keep in ConfigMaps, put into their place before anything looks at the policies.

A pure step of gathering, the same for both sources: what follows (checks, resources, data planes) sees a policy whose
lists are whole, as if they had been written into it. So an edit of a ConfigMap is an edit of every policy that refers to
it: another content hash, another rollout, and, where it is mistaken, the last good version stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from forebay_api.policy import PolicySpec, RoutingPolicy
from forebay_api.policy_data import ConfigMap, ListSource
from forebay_api.signal import MAX_EXAMPLES, MAX_PHRASE, MAX_PHRASES, LabelledExamples, Signal
from forebay_decision.check import Finding
from forebay_operator.memory import recalled
from forebay_operator.references.config_maps import ConfigMaps, ReferenceFault, Referred, no_key, refer, there

MAX_BYTES: Final = 1 << 20
"""Of all lists of one policy, comments included: about as much as an object at an API server may have."""
TEXTS: Final = 32
"""Read lately and remembered: many policies may refer to one list."""


class Wanted(msgspec.Struct, frozen=True):
    """A list that a policy refers to: where it says so, what it lists itself, and how many items it takes in all."""

    path: str
    source: ListSource
    inline: Sequence[str]
    most: int


def resolve_lists(policies: Mapping[str, RoutingPolicy], config_maps: ConfigMaps) -> Referred:
    """Put lists into policies. A policy without any, or of which nothing has changed, is the very object of before."""

    def resolve(name: str, policy: RoutingPolicy) -> tuple[RoutingPolicy, tuple[Finding, ...]]:
        if not (wanted := _wanted(name, policy.spec)):
            return policy, ()
        maps = (config_maps.get(name, entry.source.config_map_ref) for entry in wanted)
        return _resolve(name, policy, config_maps.why_closed(name.partition("/")[0]), *maps)

    return refer(policies, resolve)


def read_list(text: str) -> tuple[str, ...]:
    """The items of a text: one a line, without the white space around it. Lines that are empty or begin with ``#`` are
    none; ``\\#`` begins an item with ``#``. Each item once, in order."""
    lines = (line.strip() for line in text.removeprefix("\ufeff").split("\n"))
    items = (line.removeprefix("\\") if line.startswith("\\#") else line for line in lines if line[:1] not in ("", "#"))
    return tuple(dict.fromkeys(items))


@recalled
def _wanted(_name: str, spec: PolicySpec) -> tuple[Wanted, ...]:
    return tuple(_lists_of(spec.signals))


def _lists_of(signals: Sequence[Signal]) -> Iterator[Wanted]:
    """In the order in which `_filled` takes them."""
    for index, signal in enumerate(signals):
        path, keyword = f"spec.signals[{index}]", signal.keyword
        if keyword is not None and keyword.any_from is not None:
            yield Wanted(f"{path}.keyword.anyFrom", keyword.any_from, keyword.any or (), MAX_PHRASES)
        for number, label in enumerate(signal.similarity.labels if signal.similarity is not None else ()):
            if label.examples_from is not None:
                place = f"{path}.similarity.labels[{number}].examplesFrom"
                yield Wanted(place, label.examples_from, label.examples or (), MAX_EXAMPLES)


@recalled
def _resolve(
    name: str, policy: RoutingPolicy, closed: str, *maps: ConfigMap | None
) -> tuple[RoutingPolicy, tuple[Finding, ...]]:
    """`maps` are what its lists refer to, in order."""
    wanted = _wanted(name, policy.spec)
    lists: list[list[str]] = []
    findings: list[Finding] = []
    size = 0
    for entry, found in zip(wanted, maps, strict=True):
        ref = entry.source.config_map_ref
        try:
            text = _text(there(name, ref, found, closed), ref.key)
            size += len(text.encode())
            if size > MAX_BYTES:
                message = f"with it the policy's lists have more than {MAX_BYTES} bytes: shorten them"
                raise ReferenceFault(message, "ConfigMapInvalid")
            lists.append(_together(entry.inline, read_list(text), entry.most))
        except ReferenceFault as fault:
            findings.append(fault.finding(f"{entry.path}.configMapRef", ref))
    if findings:
        return policy, tuple(findings)
    left = iter(lists)
    spec = msgspec.structs.replace(policy.spec, signals=[_filled(signal, left) for signal in policy.spec.signals])
    return msgspec.structs.replace(policy, spec=spec), ()


def _filled(signal: Signal, lists: Iterator[list[str]]) -> Signal:
    keyword, similarity = signal.keyword, signal.similarity
    if keyword is not None and keyword.any_from is not None:
        return msgspec.structs.replace(signal, keyword=msgspec.structs.replace(keyword, any=next(lists), any_from=None))
    if similarity is not None and any(label.examples_from is not None for label in similarity.labels):
        labels = [_labelled(label, lists) for label in similarity.labels]
        return msgspec.structs.replace(signal, similarity=msgspec.structs.replace(similarity, labels=labels))
    return signal


def _labelled(label: LabelledExamples, lists: Iterator[list[str]]) -> LabelledExamples:
    if label.examples_from is None:
        return label
    return msgspec.structs.replace(label, examples=next(lists), examples_from=None)


def _text(found: ConfigMap, key: str) -> str:
    if key not in found.data:
        raise no_key("data", found.data)
    return found.data[key]


def _together(inline: Sequence[str], listed: Sequence[str], most: int) -> list[str]:
    for number, item in enumerate(listed, start=1):
        if len(item) > MAX_PHRASE:
            message = f"its item {number} has {len(item)} characters: at most {MAX_PHRASE} are taken, one item a line"
            raise ReferenceFault(message, "ConfigMapInvalid")
    together = list(dict.fromkeys((*inline, *listed)))
    if not together:
        raise ReferenceFault("it holds no item: write one a line", "ConfigMapInvalid")
    if len(together) > most:
        beside = " with those that the policy lists itself" if inline else ""
        raise ReferenceFault(f"{len(together)} items{beside}: at most {most} are taken", "ConfigMapInvalid")
    return together
