"""The benchmark's baseline: an ext_proc server that decides nothing and sends every request to one fixed cluster.

Same transport as the real data plane (grpc.aio, uvloop, upb, generic handlers, constant replies as bytes), so that the
difference between the two is what deciding costs.

    python tests/bench/noop_extproc.py --listen unix:/tmp/noop.sock --cluster pool/ai/small
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
from typing import Any

import grpc
import grpc.aio
import uvloop
from envoy.config.core.v3 import base_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc

from forebay_decision.names import CLUSTER_HEADER
from forebay_extproc.plane import GC_THRESHOLDS
from forebay_extproc.server import EXT_PROC, OPTIONS


def replies(cluster: str) -> tuple[bytes, bytes, bytes]:
    """Serialised replies to headers, to headers without a body, and to a body."""
    header = base_pb2.HeaderValueOption(
        header=base_pb2.HeaderValue(key=CLUSTER_HEADER, raw_value=cluster.encode()),
        append_action=base_pb2.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD,
    )
    routed = ext_proc.CommonResponse(
        header_mutation=ext_proc.HeaderMutation(set_headers=[header]), clear_route_cache=True
    )
    return (
        ext_proc.ProcessingResponse(request_headers=ext_proc.HeadersResponse()).SerializeToString(),
        ext_proc.ProcessingResponse(request_headers=ext_proc.HeadersResponse(response=routed)).SerializeToString(),
        ext_proc.ProcessingResponse(request_body=ext_proc.BodyResponse(response=routed)).SerializeToString(),
    )


async def serve(listen: list[str], cluster: str) -> None:
    go_on, route_headers, route_body = replies(cluster)

    async def process(_requests: Any, context: Any) -> None:
        while (message := await context.read()) is not grpc.aio.EOF:
            if message.HasField("request_body"):
                await context.write(route_body)
                return
            if message.request_headers.end_of_stream:
                await context.write(route_headers)
                return
            await context.write(go_on)

    server = grpc.aio.server(options=OPTIONS)
    handler = grpc.stream_stream_rpc_method_handler(process, ext_proc.ProcessingRequest.FromString, None)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(EXT_PROC, {"Process": handler}),))
    for address in listen:
        port = server.add_insecure_port(address)
        print(address if address.startswith("unix") else f"{address.rpartition(':')[0]}:{port}", flush=True)
    await server.start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await stopping.wait()
    await server.stop(1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--listen", action="append", required=True, help="unix:/path or host:port; the address is printed"
    )
    parser.add_argument("--cluster", required=True, help="value of the routing header")
    options = parser.parse_args()
    uvloop.run(serve(options.listen, options.cluster))


if __name__ == "__main__":
    main()
