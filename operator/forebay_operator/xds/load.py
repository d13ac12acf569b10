"""Takes in what data-plane replicas report of their own load: one unary call, msgpack, on the port that serves xDS."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
import grpc.aio
import msgspec

from forebay_api.wire import LoadReport

SERVICE: Final = "forebay.v1alpha1.Load"
METHOD: Final = "Report"


def load_handler(
    on_load: Callable[[LoadReport], None], admit: Callable[[grpc.aio.ServicerContext[Any, Any]], Awaitable[None]]
) -> grpc.GenericRpcHandler:
    """Serve `/forebay.v1alpha1.Load/Report`; `admit` ends the call of whoever may not report here or now.

    `on_load` is called on the event loop and must not block.
    """
    decoder = msgspec.msgpack.Decoder(LoadReport)

    async def report(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        await admit(context)
        try:
            load = decoder.decode(request)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"load report: {error}")
        on_load(load)
        return b""

    # grpc ships no annotations.
    method = grpc.unary_unary_rpc_method_handler(report)  # type: ignore[no-untyped-call]
    handler: grpc.GenericRpcHandler = grpc.method_handlers_generic_handler(SERVICE, {METHOD: method})  # type: ignore[no-untyped-call]
    return handler
