"""Makes the package of the end-to-end tests importable: it stands at the top of the tree."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
