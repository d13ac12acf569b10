"""Remembering what was made: an edit touches a policy or a pool, and typed messages cost milliseconds each.

Ways to know that a question was asked before. `remembered` compares contents: it holds for arguments that are put
together anew each time. `recalled` compares identities: what has not changed is the very same object from one reconcile
to the next, and then a thousand questions cost next to nothing. `latest` is for the one question about everything.
Arguments and results are immutable, and all of it is for one thread at a time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

import msgspec

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")
REMEMBERED: Final = 4096
"""Of each maker: enough for a thousand policies with several pools each, and for what they were before."""


def remembered(make: Callable[P, T]) -> Callable[P, T]:
    """Call `make` once for equal arguments, of which the last REMEMBERED are kept. Arguments are contract structs and
    plain values, so their encoding is the key."""
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


def recalled(make: Callable[P, T]) -> Callable[P, T]:
    """Call `make` once for the same objects, positional ones, of which the last REMEMBERED sets are kept."""
    # The arguments are kept along, so that no other object can take their place in memory.
    results: OrderedDict[tuple[int, ...], tuple[tuple[Any, ...], T]] = OrderedDict()

    @wraps(make)
    def made(*args: P.args, **kwargs: P.kwargs) -> T:
        key = tuple(map(id, args))
        known = results.get(key)
        if known is not None:
            results.move_to_end(key)
            return known[1]
        made = make(*args, **kwargs)
        results[key] = args, made
        if len(results) > REMEMBERED:
            results.popitem(last=False)
        return made

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
