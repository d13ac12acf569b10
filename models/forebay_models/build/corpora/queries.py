"""LLMRouter's queries: everyday benchmark prompts by task, code among them. Only its training split is read."""

import json
from pathlib import Path

FILE = "LLMRouter/data/example_data/query_data/default_query_train.jsonl"


def read_queries(folder: Path) -> dict[str, list[str]]:
    """Task name to its queries, each once. Without `mmlu`: those questions stand in RouteLLM's table, which measures."""
    found: dict[str, dict[str, None]] = {}
    with (folder / FILE).open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if row["task_name"] == "mmlu":
                continue
            found.setdefault(row["task_name"], {})[row["query"]] = None
    return {task: list(texts) for task, texts in found.items()}
