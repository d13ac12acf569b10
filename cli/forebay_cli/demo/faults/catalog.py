"""The faults in the order in which the demo causes them: each leaves behind what the next one needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from forebay_cli.demo.faults.data_plane import kill_data_plane
from forebay_cli.demo.faults.edit import edit_policy
from forebay_cli.demo.faults.saturation import saturate
from forebay_cli.demo.faults.scene import Fault, Scene
from forebay_cli.demo.faults.servers import kill_one, kill_pool

FAULTS: Final[Mapping[str, Callable[[Scene], Awaitable[Fault]]]] = {
    "filling the small pool's queues": saturate,
    "killing one small server": kill_one,
    "killing both small servers": kill_pool,
    "killing the data plane": kill_data_plane,
    "editing the policy": edit_policy,
}
"""What is done, as the spinner says it -> the function that does it."""
