"""Writes Triton's page while requests wait: `python triton_load.py HTTP_URL METRICS_URL PAGE`."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import Request, urlopen


def main(base: str, metrics: str, page: Path) -> None:
    def ask(tokens: int) -> int:
        wanted = {"name": "TOKENS", "shape": [1], "datatype": "INT32", "data": [tokens]}
        body = json.dumps({"inputs": [wanted]}).encode()
        with urlopen(Request(f"{base}/v2/models/tensorrt_llm/infer", body), timeout=30) as answer:
            return answer.status

    with ThreadPoolExecutor(12) as pool:
        print(set(pool.map(ask, [7 * n % 400 + 1 for n in range(60)])))
        late = [pool.submit(ask, 40 + n) for n in range(24)]
        time.sleep(0.4)
        with urlopen(metrics, timeout=5) as answer:
            page.write_bytes(answer.read())
        print({each.result() for each in late})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
