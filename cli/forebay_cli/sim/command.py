"""``forebay sim``: one simulated server from a shell, until a signal ends it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from forebay_cli.sim.config import ConfigError, SimConfig
from forebay_cli.sim.faults import FaultError, parse_fault
from forebay_cli.sim.process import Announcement

if TYPE_CHECKING:
    from forebay_cli.sim.server import SimServer


class Output(StrEnum):
    """How the command says that it listens."""

    TEXT = "text"
    JSON = "json"


_HELP = """Run an OpenAI-compatible simulated inference server.

It answers chat completions, completions, responses, embeddings and models, plain and streamed, with vLLM's metrics
following a real queue. Answers say which server gave them and with which parameters it was called.

Examples:

    forebay sim --model qwen3-8b --ttft 200ms --per-token 20ms

    forebay sim --model qwen3-8b --port 8001 --name small-1 --concurrency 4 --max-queue 16

    forebay sim --model qwen3-8b --fault status,status=429,count=10

    curl localhost:8000/v1/chat/completions -d '{"model": "qwen3-8b", "messages": [{"role": "user", "content": "Hi"}]}'

    curl -X PUT localhost:8000/sim/faults -d '{"mode": "slow", "delay": "2s", "count": 5}'

    curl 'localhost:8000/sim/last?n=3'
"""

_MODEL_HELP = "A model name to serve; may repeat. Others get 404."


def sim(
    model: Annotated[list[str], typer.Option(help=_MODEL_HELP)],
    name: Annotated[str, typer.Option(help="This server's name, in answers and x-sim-server.")] = "sim",
    lora: Annotated[list[str] | None, typer.Option(help="A LoRA adapter to serve under this name; may repeat.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 finds a free one.")] = 8000,
    reuse_port: Annotated[
        bool, typer.Option("--reuse-port", help="Share the port with other servers, as behind a load balancer.")
    ] = False,
    ttft: Annotated[str, typer.Option(help="Time to first token, from the slot on: 50ms, 2s.")] = "0s",
    per_token: Annotated[str, typer.Option(help="Time for each further token.")] = "0s",  # noqa: S107 - a duration
    tokens: Annotated[int, typer.Option(help="Length of a text answer in tokens.")] = 32,
    jitter: Annotated[float, typer.Option(help="Fraction by which times vary: 0.2 is 80 % to 120 %.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of the jitter.")] = 0,
    concurrency: Annotated[int, typer.Option(help="Requests that run at once; more wait in line.")] = 64,
    max_queue: Annotated[int, typer.Option(help="Requests that may wait; more get 503.")] = 256,
    kv_tokens: Annotated[int, typer.Option(help="Capacity of the KV cache in tokens.")] = 65_536,
    max_model_len: Annotated[int | None, typer.Option(help="Context window in tokens; longer gets 400.")] = None,
    embedding_dimensions: Annotated[int, typer.Option(help="Length of embedding vectors.")] = 384,
    early_headers: Annotated[
        bool, typer.Option("--early-headers", help="Send a stream's header before its first token, as vLLM does.")
    ] = False,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="Write a line for each request to standard error.")
    ] = False,
    fault: Annotated[str, typer.Option(help="Fault to start with: MODE[,FIELD=VALUE...] or JSON.")] = "none",
    require_key: Annotated[
        str | None,
        typer.Option(envvar="FOREBAY_SIM_KEY", help="Answer 401 without `Authorization: Bearer KEY`."),
    ] = None,
    tls_cert: Annotated[str | None, typer.Option(help="Certificate chain (PEM); serves HTTPS.")] = None,
    tls_key: Annotated[str | None, typer.Option(help="The certificate's key (PEM).")] = None,
    output: Annotated[Output, typer.Option(help="json prints one line with the address.")] = Output.TEXT,
) -> None:
    try:
        config = SimConfig(
            models=tuple(model),
            name=name,
            loras=tuple(lora or ()),
            host=host,
            port=port,
            reuse_port=reuse_port,
            ttft=ttft,
            per_token=per_token,
            tokens=tokens,
            jitter=jitter,
            seed=seed,
            concurrency=concurrency,
            max_queue=max_queue,
            kv_tokens=kv_tokens,
            max_model_len=max_model_len,
            embedding_dimensions=embedding_dimensions,
            early_headers=early_headers,
            access_log=access_log,
            require_key=require_key,
            tls_cert=tls_cert,
            tls_key=tls_key,
            fault=parse_fault(fault),
        )
        _run(config, output)
    except ConfigError as error:
        option = {"models": "--model", "loras": "--lora"}.get(error.field, "--" + error.field.replace("_", "-"))
        raise typer.BadParameter(error.message, param_hint=option) from error
    except FaultError as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from error


sim.__doc__ = _HELP


def _run(config: SimConfig, output: Output) -> None:
    try:
        # Only here, so that `forebay --help` and `forebay validate` work where these packages are not installed.
        import uvloop

        from forebay_cli.sim.server import SimServer
    except ModuleNotFoundError as error:
        raise typer.BadParameter(f"{error.name} is missing: install it with pip install 'forebay[local]'") from error
    if config.access_log:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    uvloop.run(_serve(SimServer(config), output))


async def _serve(server: SimServer, output: Output) -> None:
    """Serves until SIGTERM or SIGINT, then ends within 2 s."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await server.start()
    try:
        typer.echo(_announce(server, output))
        await ended.wait()
    finally:
        await server.stop()


def _announce(server: SimServer, output: Output) -> str:
    config = server.config
    if output is Output.JSON:
        said = Announcement(
            name=config.name, address=server.address, url=server.url, models=config.served, pid=os.getpid()
        )
        return msgspec.json.encode(said).decode()
    return f"{config.name} serves {', '.join(config.served)} on {server.url}/v1 (faults: {server.url}/sim/faults)"
