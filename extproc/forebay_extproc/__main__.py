"""``python -m forebay_extproc``."""

from __future__ import annotations

import os
import sys

# gRPC's C core writes lines of its own to standard error, which is ours for JSON; what matters in them comes as errors.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from forebay_extproc.app import main

if __name__ == "__main__":
    sys.exit(main())
