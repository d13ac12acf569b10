"""Remembering what was made: an edit touches a policy or a pool, and typed messages cost milliseconds each.

Ways to know that a question was asked before. `remembered` compares contents: it holds for arguments that are put
together anew each time. `recalled` keeps the last answer of each name and compares identities: what has not changed is
the very same object from one reconcile to the next, and then a thousand questions cost next to nothing. `lately` and
`latest` are for questions about everything. Arguments and results are immutable, and all of it is for one thread at a
time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from operator import is_
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import msgspec

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")
REMEMBERED: Final = 4096
"""Contents of each maker: enough for a thousand policies with several pools each."""
NAMES: Final = 1 << 14
LATELY: Final = 3
"""What is, what it was, and the bridge between the two."""


def remembered(make: Callable[P, T]) -> Callable[P, T]:
    """Call `make` once for equal arguments, of which the last REMEMBERED are kept. Arguments are contract structs and
    plain values, so their encoding is the key: for what is small."""
    results: OrderedDict[bytes, T] = OrderedDict()

    @wraps(make)
    def made(*args: P.args, **kwargs: P.kwargs) -> T:
        key = msgspec.msgpack.encode((args, kwargs), order="deterministic")
        if key in results:
            results.move_to_end(key)
        else:
            results[key] = make(*args, **kwargs)
            if len(results) > REMEMBERED:
                results.popitem(last=False)
        return results[key]

    return made


def recalled(make: Callable[Concatenate[str, P], T]) -> Callable[Concatenate[str, P], T]:
    """Call `make` for a name only where another argument, all positional, is not the object of the last time. One
    answer a name is kept, of the last NAMES names."""
    known: OrderedDict[str, tuple[tuple[Any, ...], T]] = OrderedDict()

    @wraps(make)
    def made(name: str, /, *args: P.args, **kwargs: P.kwargs) -> T:
        before = known.get(name)
        if before is not None and len(before[0]) == len(args) and all(map(is_, before[0], args)):
            return before[1]
        answer = make(name, *args, **kwargs)
        known[name] = args, answer
        known.move_to_end(name)
        if len(known) > NAMES:
            known.popitem(last=False)
        return answer

    return made


def lately(make: Callable[P, T]) -> Callable[P, T]:
    """Call `make` once for the same objects, all positional, of which the LATELY last sets are kept."""
    # The arguments are kept along, so that no other object can take their place in memory.
    known: OrderedDict[tuple[int, ...], tuple[tuple[Any, ...], T]] = OrderedDict()

    @wraps(make)
    def made(*args: P.args, **kwargs: P.kwargs) -> T:
        key = tuple(map(id, args))
        before = known.get(key)
        if before is not None:
            known.move_to_end(key)
            return before[1]
        answer = make(*args, **kwargs)
        known[key] = args, answer
        if len(known) > LATELY:
            known.popitem(last=False)
        return answer

    return made


def latest(make: Callable[[A], T]) -> Callable[[A], T]:
    """Call `make` once for as long as its argument stays equal; of equal parts that are the same object this is quick."""
    known: list[tuple[A, T]] = []

    @wraps(make)
    def made(argument: A) -> T:
        if not known or known[0][0] != argument:
            known[:] = [(argument, make(argument))]
        return known[0][1]

    return made
