"""Every engine's page is read for what it says. The pages under data/ are described in data/README.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forebay_api.pool import PoolSpec
from forebay_operator.backends.fixed import fixed_backends
from forebay_operator.scrape.mapping import engine_metrics
from forebay_operator.scrape.reading import Reading, read_load
from forebay_operator.scrape.targets import scrape_targets

Pool = Callable[..., PoolSpec]
DATA = Path(__file__).parent / "data"
TGI = {
    "queued": {"name": "tgi_queue_size", "labels": {"zone": ""}},
    "running": {"name": "tgi_batch_current_size", "labels": {"model": "small"}},
    "kvCacheUtilization": {"name": "cache_used_ratio"},
}


RECORDED = 1.7957e9
"""When the pages were recorded, to the day."""
SHARED = ("sql-lora", "chat-lora")


def read(pool: PoolSpec, page: bytes) -> Reading | None:
    metrics = engine_metrics(pool.telemetry)
    assert metrics is not None
    return read_load(page, metrics.names, RECORDED)


@pytest.mark.parametrize(
    ("engine", "page", "reading"),
    [
        ("vLLM", "vllm", Reading(3.0, 4.0, 0.8210526315789474, 12326 + 9392.0, SHARED, SHARED)),
        ("vLLM", "vllm-fresh", Reading(0.0, 0.0, 0.0, 0.0)),
        (
            "vLLM",
            "vllm-two-engines",
            Reading(2 + 1.0, 4 + 4.0, 0.10526315789473684, 6729 + 7073 + 500 + 457.0, SHARED, SHARED),
        ),
        ("vLLM", "llm-d-inference-sim", Reading(2.0, 2.0, 0.0, 152.0, ("sql-lora",), ("sql-lora",))),
        ("SGLang", "sglang", Reading(3.0, 4.0, 0.17, 1195 + 11167 + 3374.0)),
        ("SGLang", "sglang-two-replicas", Reading(1 + 2.0, 4 + 1.0, 0.025, 1322 + 539 + 5807 + 1191 + 466 + 5548.0)),
        ("TensorRTLLM", "tensorrt-llm", Reading(3.0, 8.0, 0.62, 912034 + 301220.0)),
        ("Triton", "triton", Reading(5.0, 12.0, 0.4874178554255489, 11952 + 35856.0)),
    ],
)
def test_an_engines_page_says_what_it_has_to_do(pool: Pool, engine: str, page: str, reading: Reading) -> None:
    assert read(pool(telemetry={"engine": engine}), (DATA / f"{page}.txt").read_bytes()) == reading


def test_the_pages_are_of_the_size_that_engines_print() -> None:
    assert len((DATA / "vllm.txt").read_bytes()) > 50_000


@pytest.mark.parametrize(("tokens", "reading"), [(0, Reading(0.0, 0.0, tokens=0.0)), (7, None)])
def test_an_engine_that_has_counted_no_token_may_have_no_counts_of_requests_yet(
    pool: Pool, tokens: int, reading: Reading | None
) -> None:
    page = b"vllm:prompt_tokens_total %d\nvllm:generation_tokens_total 0\n" % tokens
    assert read(pool(), page) == reading


def test_counts_that_sglang_repeats_by_priority_are_counted_once(pool: Pool) -> None:
    page = b'sglang:num_queue_reqs{priority=""} 9\nsglang:num_queue_reqs{priority="1"} 9\nsglang:num_running_reqs 1\n'
    assert read(pool(telemetry={"engine": "SGLang"}), page) == Reading(9.0, 1.0)


def test_ranks_that_repeat_sglangs_queue_are_counted_once_and_replicas_each(pool: Pool) -> None:
    ranks = [(dp, tp, pp) for dp in (0, 1) for tp in (0, 1) for pp in (0, 1)]
    page = "".join(
        f'sglang:{name}{{dp_rank="{dp}",tp_rank="{2 * dp + tp}",pp_rank="{pp}",moe_ep_rank="{tp}"}} {value}\n'
        for name, value in (("num_queue_reqs", 9), ("num_running_reqs", 4), ("token_usage", 0.5))
        for dp, tp, pp in ranks
    )
    assert read(pool(telemetry={"engine": "SGLang"}), page.encode()) == Reading(18.0, 8.0, 0.5)


def test_an_older_sglangs_tokens_are_those_of_its_finished_requests(pool: Pool) -> None:
    page = b"sglang:num_queue_reqs 0\nsglang:num_running_reqs 1\nsglang:prompt_tokens_total 70\nsglang:generation_tokens_total 5\n"
    assert read(pool(telemetry={"engine": "SGLang"}), page) == Reading(0.0, 1.0, tokens=75.0)


def test_an_older_vllms_cache_use_is_read_by_its_older_name(pool: Pool) -> None:
    page = b"vllm:num_requests_waiting 0\nvllm:num_requests_running 1\nvllm:gpu_cache_usage_perc 0.25\n"
    assert read(pool(), page) == Reading(0.0, 1.0, 0.25)


def test_times_that_several_api_servers_added_up_are_no_newer_than_others(pool: Pool) -> None:
    page = b"vllm:num_requests_waiting 0\nvllm:num_requests_running 1\n" + b"".join(
        b'vllm:lora_requests_info{running_lora_adapters="%s"} %f\n' % (name, value)
        for name, value in ((b"new", RECORDED), (b"old", 3 * (RECORDED - 1)), (b"older", 2 * (RECORDED - 60)))
    )
    reading = read(pool(), page)
    assert reading is not None
    assert reading.adapters == ("new",)


def test_a_custom_engine_is_read_by_the_names_and_labels_of_the_manifest(pool: Pool) -> None:
    page = (
        b'tgi_queue_size{model="small"} 4\ntgi_queue_size{zone="b"} 100\n'
        b'tgi_batch_current_size{model="small",rank="0"} 3\ntgi_batch_current_size{model="small",rank="1"} 2\n'
        b'tgi_batch_current_size{model="other"} 50\ncache_used_ratio 0.5\n'
    )
    assert read(pool(telemetry={"engine": "Custom", "custom": TGI}), page) == Reading(4.0, 5.0, 0.5)


def test_a_custom_engine_needs_no_kv_cache(pool: Pool) -> None:
    names = {key: TGI[key] for key in ("queued", "running")}
    page = b'tgi_queue_size 4\ntgi_batch_current_size{model="small"} 3\n'
    assert read(pool(telemetry={"engine": "Custom", "custom": names}), page) == Reading(4.0, 3.0)


@pytest.mark.parametrize(
    ("telemetry", "path"),
    [
        ({"engine": "vLLM"}, "/metrics"),
        ({"engine": "TensorRTLLM"}, "/prometheus/metrics"),
        ({"engine": "TensorRTLLM", "path": "/metrics"}, "/metrics"),
        ({"engine": "Custom", "custom": TGI, "path": "/load"}, "/load"),
    ],
)
def test_a_page_is_where_the_engine_has_it_unless_the_manifest_says_otherwise(
    pool: Pool, telemetry: dict[str, Any], path: str
) -> None:
    pools = {"ai/small": pool(8001, telemetry=telemetry)}
    (target,) = scrape_targets(pools, fixed_backends(pools))
    assert target.path == path


@pytest.mark.parametrize(
    ("lines", "running", "waiting"),
    [
        (b"", (), ()),
        (b'{running_lora_adapters="a,b",waiting_lora_adapters="c"} 1.7e9', ("a", "b"), ("c",)),
        (b'{running_lora_adapters="old",waiting_lora_adapters=""} 1\n{running_lora_adapters="new"} 2', ("new",), ()),
        (b'{running_lora_adapters="new"} 2\n{running_lora_adapters="old"} 1', ("new",), ()),
        (b'{running_lora_adapters="",waiting_lora_adapters=""} 3', (), ()),
        (
            b'{running_lora_adapters="a"} 3\n{running_lora_adapters="b"} 3\n{running_lora_adapters="c"} 2',
            ("a", "b"),
            (),
        ),
        (b'{running_lora_adapters="a, a,,b"} 3', ("a", "b"), ()),
        (b'{running_lora_adapters="say \\"hi\\""} 3', ('say "hi"',), ()),
        (b'{running_lora_adapters="' + b"x" * 300 + b',ok"} 3', ("ok",), ()),
        (b"} 3", (), ()),
    ],
)
def test_the_newest_adapters_count(
    pool: Pool, lines: bytes, running: tuple[str, ...], waiting: tuple[str, ...]
) -> None:
    infos = b"".join(b"vllm:lora_requests_info" + line + b"\n" for line in lines.split(b"\n"))
    reading = read(pool(), b"vllm:num_requests_waiting 1\nvllm:num_requests_running 1\n" + infos)
    assert reading is not None
    assert (reading.adapters, reading.waiting_adapters) == (running, waiting)


@pytest.mark.parametrize(
    ("queued", "running", "adapters", "waiting"), [(0, 2, ("a",), ()), (2, 0, (), ("a",)), (0, 0, (), ())]
)
def test_no_adapter_runs_or_waits_where_no_request_does(
    pool: Pool, queued: int, running: int, adapters: tuple[str, ...], waiting: tuple[str, ...]
) -> None:
    page = b"vllm:num_requests_waiting %d\nvllm:num_requests_running %d\n" % (queued, running)
    reading = read(pool(), page + b'vllm:lora_requests_info{running_lora_adapters="a",waiting_lora_adapters="a"} 3\n')
    assert reading is not None
    assert (reading.adapters, reading.waiting_adapters) == (adapters, waiting)


def test_an_endpoint_names_a_bounded_number_of_adapters(pool: Pool) -> None:
    names = ",".join(f"lora-{n}" for n in range(1000))
    page = f'vllm:num_requests_waiting 0\nvllm:num_requests_running 1\nvllm:lora_requests_info{{running_lora_adapters="{names}"}} 1\n'
    reading = read(pool(), page.encode())
    assert reading is not None
    assert len(reading.adapters) == 64
