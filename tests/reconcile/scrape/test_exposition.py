"""Reading a metrics page: the wanted numbers, whatever else it holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay_operator.scrape.exposition import gauges
from forebay_operator.scrape.mapping import ENGINES
from forebay_operator.scrape.metric import Metric
from forebay_operator.scrape.reading import Reading, read_load

NAMES = ENGINES["vLLM"].names
PAGE = b"""\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a"} 3.0
vllm:num_requests_running{engine="1",model_name="a"} 4.0
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
vllm:num_requests_waiting{engine="0",model_name="a"} 2.0
vllm:num_requests_waiting{engine="1",model_name="a"} 0.0
vllm:kv_cache_usage_perc{engine="0",model_name="a"} 0.5
vllm:kv_cache_usage_perc{engine="1",model_name="a"} 0.25
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.001",model_name="a"} 0.0
"""


def test_counts_are_summed_and_kv_use_is_averaged_over_label_sets() -> None:
    assert read_load(PAGE, NAMES) == Reading(queued=2.0, running=7.0, kv_cache_utilization=0.375)


def test_the_older_name_of_kv_use_is_understood() -> None:
    page = PAGE.replace(b"vllm:kv_cache_usage_perc", b"vllm:gpu_cache_usage_perc")
    assert read_load(page, NAMES) == read_load(PAGE, NAMES)


def test_a_page_without_the_queue_is_no_reading() -> None:
    assert read_load(PAGE.replace(b"waiting", b"wading"), NAMES) is None


def test_a_page_without_kv_use_reads_as_none_used() -> None:
    reading = read_load(PAGE.replace(b"kv_cache", b"xx_cache"), NAMES)
    assert reading is not None
    assert reading.kv_cache_utilization == 0.0


@pytest.mark.parametrize(
    ("line", "values"),
    [
        (b"x 1", (1.0,)),
        (b"x 1 1700000000000", (1.0,)),
        (b"x\t2", (2.0,)),
        (b"x{} 3", (3.0,)),
        (b'x{a="1",b="2",} 4', (4.0,)),
        (b'x{a="} 9 {"} 5', (5.0,)),
        (b'x{a="\\"\\n"} 6', (6.0,)),
        (b"x 1e3\r", (1000.0,)),
        (b'x 1\nx{a="b"} 2', (1.0, 2.0)),
        (b"# x 1", ()),
        (b" x 1", ()),
        (b"x_total 1", ()),
        (b"xx 1", ()),
        (b"x", ()),
        (b"x ", ()),
        (b"x one", ()),
        (b"x NaN", ()),
        (b"x +Inf", ()),
        (b"x -1", ()),
        (b'x{a="b" 1', ()),
        (b"x 1 2 3", ()),
    ],
)
def test_a_line_gives_its_value_or_nothing(line: bytes, values: tuple[float, ...]) -> None:
    assert gauges(line, [Metric("x")]).get(Metric("x"), ()) == values


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_garbage_around_a_page_changes_nothing(before: bytes, after: bytes) -> None:
    reading = read_load(before + b"\n" + PAGE + after, NAMES)
    assert reading is not None
    # Garbage could spell a wanted line; what the page says is then still part of the sum.
    assert reading.running >= 7.0


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_without_an_error(page: bytes) -> None:
    read_load(page, NAMES)


@given(st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=8))
def test_the_sum_is_that_of_the_values(values: list[float]) -> None:
    page = "\n".join(f'vllm:num_requests_waiting{{engine="{n}"}} {value!r}' for n, value in enumerate(values))
    assert sum(gauges(page.encode(), NAMES.queued)[NAMES.queued[0]]) == sum(values)
