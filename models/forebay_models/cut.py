"""What is read of a text that is too long: its two ends."""

from typing import TypeVar

S = TypeVar("S", str, list[str], list[int])


def cut_middle(items: S, cap: int) -> S:
    """The first and the last `cap / 2` items where there are more than `cap`: prompts state their task at either end."""
    if len(items) <= cap:
        return items
    head = (cap + 1) // 2
    return items[:head] + items[len(items) - (cap - head) :]
