"""LiteLLM's proxy as the peer: its own virtual environment, and the set-up that equals ours (two models, two upstreams).

Without a master key, database or callbacks: whatever its users could leave out is left out.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

import yaml

REQUIREMENTS: Final = Path(__file__).with_name("litellm.txt")
INSTALL_SECONDS: Final = 400.0
ENVIRONMENT: Final = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "LITELLM_LOG": "ERROR",
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    "LITELLM_MODE": "PRODUCTION",
}


class PeerMissing(Exception):
    """The peer cannot be had on this machine; the message says why."""


def install(folder: Path) -> Path:
    """The `litellm` command, installed once for each version of the requirements. Raises PeerMissing."""
    command = folder / "bin" / "litellm"
    stamp = folder / ".requirements"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if command.exists() and stamp.exists() and stamp.read_text() == wanted:
        return command
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for argv in ([sys.executable, "-m", "venv", "--clear", str(folder)], [*pip, "-r", str(REQUIREMENTS)]):
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise PeerMissing(f"installing it took longer than {INSTALL_SECONDS:g} s") from None
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise PeerMissing(f"installing it failed: {lines[-1][:300]}")
    stamp.write_text(wanted)
    return command


def write_config(path: Path, upstreams: dict[str, int]) -> None:
    """A proxy configuration: model name -> upstream port."""
    models = [
        {
            "model_name": model,
            "litellm_params": {
                "model": f"openai/{model}",
                "api_base": f"http://127.0.0.1:{port}/v1",
                "api_key": "none",
            },
        }
        for model, port in upstreams.items()
    ]
    path.write_text(yaml.safe_dump({"model_list": models, "litellm_settings": {"telemetry": False}}))
