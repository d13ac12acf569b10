"""`python -m forebay_operator`: the control plane as a process."""

from __future__ import annotations

import asyncio
import logging
import sys

from forebay_operator.app import run
from forebay_operator.options import ConfigUnusable, parse_options
from forebay_operator.xds.server import CannotListen


def main() -> int:
    """Run until told to stop; standard output carries status reports, standard error the log."""
    options = parse_options()
    logging.basicConfig(
        level=options.log.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    # kopf tells of each event that it hands over.
    logging.getLogger("kopf").setLevel(logging.WARNING if options.log != "debug" else logging.DEBUG)
    if options.directory is not None and not options.directory.is_dir():
        logging.getLogger("forebay_operator").error("there is no directory %s", options.directory)
        return 2
    try:
        asyncio.run(run(options))
    except (CannotListen, ConfigUnusable) as error:
        logging.getLogger("forebay_operator").error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
