"""Remembering what was serialised: an edit touches a policy or a pool, and typed messages cost milliseconds each.

A maker's arguments are contract structs and plain values, so their encoding is the key; what it returns is immutable.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

import msgspec

P = ParamSpec("P")
T = TypeVar("T")
REMEMBERED: Final = 8192


def remembered(make: Callable[P, T]) -> Callable[P, T]:
    """Call `make` once for equal arguments, of which the last REMEMBERED are kept."""
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
