"""What Envoy does before it runs out of connections or of memory.

A request is held whole until it is decided, so a few hundred callers who send large bodies slowly fill two gigabytes.
Before the kernel ends Envoy, and every request with it, new requests are refused. Those that it has go on, and what does
not arrive ends by its time-outs.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from forebay_operator.envoy.messages import packed
from forebay_operator.envoy.proto import connection_monitor, fixed_heap, overload

CONNECTIONS: Final = "envoy.resource_monitors.global_downstream_max_connections"
HEAP: Final = "envoy.resource_monitors.fixed_heap"
REFUSE_FROM: Final = 0.9
"""Share of the heap from which on new requests are answered 503, and unused memory is given back."""


def overload_manager(most_connections: int, heap: int | None) -> overload.OverloadManager:
    """Connections on top are refused at accept. `heap`: bytes that Envoy may allocate; None is no bound."""
    connections = overload.ResourceMonitor(
        name=CONNECTIONS,
        typed_config=packed(
            connection_monitor.DownstreamConnectionsConfig(max_active_downstream_connections=most_connections)
        ),
    )
    if heap is None:
        return overload.OverloadManager(resource_monitors=[connections])
    allocated = overload.ResourceMonitor(
        name=HEAP, typed_config=packed(fixed_heap.FixedHeapConfig(max_heap_size_bytes=heap))
    )
    return overload.OverloadManager(
        # Memory fills at the speed of a network.
        refresh_interval=timedelta(milliseconds=100),
        resource_monitors=[connections, allocated],
        actions=[
            _when_full("envoy.overload_actions.shrink_heap"),
            _when_full("envoy.overload_actions.stop_accepting_requests"),
        ],
    )


def _when_full(action: str) -> overload.OverloadAction:
    trigger = overload.Trigger(name=HEAP, threshold=overload.ThresholdTrigger(value=REFUSE_FROM))
    return overload.OverloadAction(name=action, triggers=[trigger])
