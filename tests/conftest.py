"""What holds for every test, on whatever machine."""

from __future__ import annotations

import os
import tempfile

from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, and nothing of the property.
settings.register_profile("forebay", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("forebay")

# What is printed is compared, and all servers are on this machine: neither is for the caller's terminal or proxy to change.
TERMINAL = ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "PY_COLORS", "CLICOLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
for name in (*TERMINAL, *PROXIES, *map(str.lower, PROXIES)):
    os.environ.pop(name, None)

# A Unix socket's path has 107 bytes, of which pytest's folders for workers and tests take some 75.
SHORT = 16
if len(tempfile.gettempdir()) > SHORT:
    os.environ["TMPDIR"] = tempfile.tempdir = "/tmp"
