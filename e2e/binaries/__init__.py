"""Gets the real parts that end-to-end tests run against, and says where they are."""

from .builder import Missing, build, locate

__all__ = ["Missing", "build", "locate"]
