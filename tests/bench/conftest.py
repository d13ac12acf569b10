"""Makes the benchmark's modules importable; last, so that no other test folder's modules are hidden by these."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
