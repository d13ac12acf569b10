"""A simulated inference server: it speaks the OpenAI API and vLLM's metrics, with a real queue and faults on demand.

Routing can only be shown, tested and measured against upstreams whose speed, load and failures are under control and
which tell what they really received. ``SimServer`` runs one inside the caller's event loop, ``SimProcess`` one in a
process of its own (which can be killed), ``forebay sim`` one from a shell.
"""

from forebay_cli.sim.config import ConfigError, SimConfig
from forebay_cli.sim.faults import Fault, FaultError
from forebay_cli.sim.process import SimProcess
from forebay_cli.sim.server import SimServer

__all__ = ["ConfigError", "Fault", "FaultError", "SimConfig", "SimProcess", "SimServer"]
