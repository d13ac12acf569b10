"""``python -m forebay_operator.launch``."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

# gRPC's C core writes lines of its own to standard error; what matters in them comes as errors.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from forebay_operator.launch.agent import run
from forebay_operator.launch.options import parse_options


def main() -> int:
    """Envoy's exit status; 1 where it cannot be started."""
    options = parse_options()
    logging.basicConfig(
        level=options.log.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    try:
        return asyncio.run(run(options))
    except OSError as error:
        logging.getLogger("forebay_operator.launch").error("Envoy cannot be started: %s", error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
