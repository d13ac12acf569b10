"""`forebay explain DIR`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import Progress

from forebay_api.policy import PolicySpec
from forebay_api.wire import PoolState
from forebay_cli.console import EXIT_FINDINGS, Output, give_up, print_json, stderr, stdout
from forebay_cli.explain.case import Explained, read_states
from forebay_cli.explain.case import explain as explain_case
from forebay_cli.explain.table import print_explained
from forebay_cli.validate.findings import STDIN, load
from forebay_cli.validate.outcome import Loaded
from forebay_cli.validate.text import finding_text
from forebay_decision.compile import compile_config
from forebay_decision.compiled import CompiledConfig
from forebay_decision.native import NativeModel, natives_by_policy, saturated_pools
from forebay_decision.request import RequestHead
from forebay_models.heads.library import Library
from forebay_models.shelf import Shelf

DEFAULT_PATH = "/v1/chat/completions"


def explain(
    manifests: Annotated[Path, typer.Argument(help="Directory of manifests, or one file.")],
    body: Annotated[Path, typer.Argument(help="File with one OpenAI request body; - is standard input.")] = Path("-"),
    prompt: Annotated[
        str | None, typer.Option("--prompt", "-p", help="Ask this, as a chat of one message, in place of a body.")
    ] = None,
    jsonl: Annotated[
        Path | None, typer.Option(help="File with one body a line; one record a line comes out, with its line number.")
    ] = None,
    host: Annotated[str, typer.Option(help="Host the request asks for.")] = "localhost",
    path: Annotated[
        str | None, typer.Option(help="Path of the request, prefix included. [default: chat completions]")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", help="Request header 'name: value'; repeatable.")
    ] = None,
    claims: Annotated[
        str | None,
        typer.Option(help='Claims of a verified token as JSON, by provider: \'{"corp": {"plan": "gold"}}\'.'),
    ] = None,
    policy: Annotated[str | None, typer.Option(help="Ask this policy: host and path prefix are taken from it.")] = None,
    pool_state: Annotated[Path | None, typer.Option(help="JSON of PoolStates to decide under.")] = None,
    all_signals: Annotated[bool, typer.Option("--all-signals", help="Compute every declared signal.")] = False,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="table for people, json for machines.")
    ] = Output.table,
) -> None:
    """Decide a request without any server, and say why. Ends with 1 if the answer is an error.

    Examples:

        forebay explain examples/assistant --prompt "Fix this traceback"

        echo '{"model":"auto","messages":[{"role":"user","content":"Hello"}]}' | forebay explain examples/assistant

        forebay explain examples/assistant body.json --all-signals --output json

        forebay explain examples/assistant --jsonl requests.jsonl > records.jsonl
    """
    if prompt is not None and (jsonl is not None or body != STDIN):
        give_up("--prompt stands in place of a body: leave --jsonl and the file out")
    if not manifests.exists():
        give_up(f"there is no {manifests}")
    loaded = load([manifests])
    _warn(loaded)
    beside = manifests if manifests.is_dir() else manifests.parent
    config, errors = compile_config(
        loaded.policies, loaded.pools, revision="local", encoders=Shelf(folder=beside).get, heads=Library(beside)
    )
    for name, error in errors.items():
        give_up(f"policy {name}: {error}")
    states = _states(pool_state, loaded)
    head = _head(loaded, host, path, header or [], policy)
    if claims is not None:
        head = msgspec.structs.replace(head, verified=_claims(claims))
    natives = natives_by_policy(loaded.policies, loaded.pools, saturated_pools(states))
    if jsonl is not None:
        _many(jsonl, config, natives, head, states, all_signals)
        return
    asked = _read(body) if prompt is None else _chat(loaded, policy, prompt)
    explained = explain_case(config, natives, head, asked, states, identifier="explain", every_signal=all_signals)
    if output is Output.json:
        print_json(explained.record if explained.record is not None and explained.error is None else explained)
    else:
        print_explained(stdout(), explained)
    if explained.error is not None:
        raise typer.Exit(EXIT_FINDINGS)


def _warn(loaded: Loaded) -> None:
    console = stderr()
    for line in loaded.outcome.findings:
        console.print(finding_text(line))
    if not loaded.policies:
        give_up("no policy is accepted; `forebay validate` says why", EXIT_FINDINGS)


def _states(file: Path | None, loaded: Loaded) -> dict[str, PoolState]:
    if file is None:
        stderr().print("no --pool-state: every pool is assumed ready and idle", markup=False)
        return {name: PoolState(name=name, ready=1, total=1, stale=False) for name in loaded.pools}
    try:
        return read_states(file.read_bytes())
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        give_up(f"--pool-state {file}: {error}")


def _head(loaded: Loaded, host: str, path: str | None, headers: list[str], policy: str | None) -> RequestHead:
    prefix = ""
    if policy is not None:
        spec = _spec(loaded, policy)
        prefix = spec.attach.prefix
        wanted = spec.attach.hostnames[0]
        host = host if wanted == "*" else wanted.replace("*", "any")
    given = {"content-type": "application/json"}
    for line in headers:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            give_up(f"--header {line!r} is not 'name: value'")
        given[name.strip().lower()] = value.strip()
    return RequestHead("POST", host.lower(), path or prefix + DEFAULT_PATH, given)


def _claims(text: str) -> dict[str, dict[str, object]]:
    try:
        return msgspec.json.decode(text, type=dict[str, dict[str, object]])
    except (msgspec.MsgspecError, RecursionError) as error:
        give_up(f'--claims: {error}; write the provider\'s name before its claims: {{"corp": {{"plan": "gold"}}}}')


def _spec(loaded: Loaded, policy: str) -> PolicySpec:
    name = policy if "/" in policy else f"default/{policy}"
    if name not in loaded.policies:
        give_up(f"there is no accepted policy {name}; there are {', '.join(loaded.policies)}")
    return loaded.policies[name]


def _chat(loaded: Loaded, policy: str | None, prompt: str) -> bytes:
    """A chat for the first virtual name that is written out: the policy's, where one is asked for."""
    specs = loaded.policies.values() if policy is None else (_spec(loaded, policy),)
    names = (name for spec in specs for name in spec.models if not name.endswith("*"))
    return msgspec.json.encode({"model": next(names, "auto"), "messages": [{"role": "user", "content": prompt}]})


def _read(file: Path) -> bytes:
    if str(file) == "-" and sys.stdin.isatty():
        stderr().print("type a request body, or its JSON on one line; Ctrl-D ends it", markup=False)
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        give_up(f"{file}: {error.strerror}")


def _many(
    file: Path,
    config: CompiledConfig,
    natives: Mapping[str, tuple[NativeModel, ...]],
    head: RequestHead,
    states: Mapping[str, PoolState],
    every_signal: bool,
) -> None:
    text = _read(file)
    lines = text.removesuffix(b"\n").split(b"\n") if text else []
    with Progress(console=stderr(), disable=not stderr().is_terminal) as progress:
        for number, line in enumerate(progress.track(lines, description="explaining"), start=1):
            explained = explain_case(
                config, natives, head, line, states, identifier=str(number), every_signal=every_signal
            )
            print_json(_line(number, explained), indent=False)


def _line(number: int, explained: Explained) -> dict[str, object]:
    """One line out for each line in, and its number (from 1), whatever became of it."""
    said = explained if explained.record is None or explained.error is not None else explained.record
    return {"line": number, **msgspec.to_builtins(said)}
