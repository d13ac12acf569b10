"""`python -m e2e.binaries [NAME...]`: get the parts before the tests want them, so that the wait is visible."""

from __future__ import annotations

import sys
import time

from .builder import Missing, build, locate
from .catalog import PARTS, cache_folder


def main(names: list[str]) -> int:
    """0 also where parts are missing: the tests that need one say so and are skipped; unknown names are 2."""
    if unknown := [name for name in names if name not in PARTS]:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
        return 2
    wanted = names or list(PARTS)
    started = time.monotonic()
    print(f"parts for end-to-end tests, kept in {cache_folder()}", flush=True)
    for number, name in enumerate(wanted, 1):
        place = f"[{number}/{len(wanted)}] {name} {PARTS[name].version}"
        if found := locate(name):
            print(f"{place}: there ({found.name})", flush=True)
            continue
        print(f"{place}: to be built (minutes, once)", flush=True)
        try:
            build(name, lambda line: print(line, flush=True))
        except Missing as error:
            print(f"SKIPPED {name}: {error}\n  tests that need it are skipped", flush=True)
    print(f"parts: {time.monotonic() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
