"""What `forebay up` is given: two pools of one model each, and a policy a variant, each under a host name of its own.

A virtual host holds only the policies that cover it, so the variants do not pay for each other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml
from bodies import LAST_WORD, NAMED

NATIVE_HOST: Final = "native.bench"
RULES_HOST: Final = "rules.bench"
STATIC_HOST: Final = "static.bench"
TRANSFORMER_HOST: Final = "transformer.bench"
LAST_RULE: Final = "rule-20"
DEFAULT_RULE: Final = "default"
NATIVE_RULE: Final = "explicit-model"
TRANSFORMER_BUDGET: Final = "1s"
"""The longest allowed: on a quiet core it has room for 32 turns of 400 tokens, encoded one after the other."""
_TOPICS: Final = {
    "code": ["Fix this Python traceback", "Write a function that parses a date", "Why does my unit test fail?"],
    "mathematics": ["Prove that the square root of 2 is irrational", "Solve this integral", "Find the eigenvalues"],
    "law": ["Is this contract clause valid?", "Summarise the court's ruling", "What does the statute say?"],
    "medicine": ["What are the symptoms of anaemia?", "Is this dose safe?", "Explain this lab result"],
    "travel": ["Plan three days in Lisbon", "Find me a cheap flight", "Which visa do I need?"],
    "cooking": ["A recipe with chickpeas", "How long do I boil an egg?", "What replaces butter?"],
    "poetry": ["Write a sonnet about rain", "Rhyme with orange", "A haiku for my mother"],
    "history": ["Why did Rome fall?", "Who signed the treaty?", "What caused the war of 1812?"],
    "weather": ["Will it rain tomorrow?", "What is a cold front?", "Why is the sky red at dusk?"],
    "sport": ["Who won the final?", "Explain the offside rule", "A training plan for a marathon"],
}


def write_manifests(folder: Path, small_port: int, large_port: int) -> None:
    """The whole directory, for `forebay up`."""
    folder.mkdir(parents=True, exist_ok=True)
    pools = [pool("small", NAMED, small_port), pool("large", "bench-large", large_port)]
    policies = [native_policy(), rules_policy(), similarity_policy("Static"), similarity_policy("Transformer")]
    for name, documents in (("pools", pools), ("policies", policies)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump_all(documents, sort_keys=False))


def pool(name: str, model: str, port: int) -> dict[str, Any]:
    """A pool of one server and one model."""
    served = {
        "name": model,
        "contextTokens": 1_000_000,
        # All of them: then nothing below the top level of the body could disqualify the model, and Envoy may decide.
        "capabilities": ["Tools", "JSONSchema", "Vision"],
        "price": {"inputPerMTok": "0.05", "outputPerMTok": "0.15"},
    }
    spec = {
        "backend": {"addresses": [{"host": "127.0.0.1", "port": port}]},
        "placement": {"boundary": "Private", "region": "eu-west-1", "compliance": ["HIPAA"]},
        "models": [served],
    }
    return {"apiVersion": "forebay.dev/v1alpha1", "kind": "ModelPool", "metadata": {"name": name}, "spec": spec}


def _policy(host: str, **spec: Any) -> dict[str, Any]:
    strategies = [
        {"name": "everyday", "direct": {"pools": [{"name": "small"}]}},
        {"name": "strong", "direct": {"pools": [{"name": "large"}]}},
        {"name": "either", "direct": {"pools": [{"name": "small"}, {"name": "large"}]}},
    ]
    whole = {"attach": {"hostnames": [host]}, "strategies": strategies, "default": {"use": "either"}} | spec
    name = host.partition(".")[0]
    return {"apiVersion": "forebay.dev/v1alpha1", "kind": "RoutingPolicy", "metadata": {"name": name}, "spec": whole}


def native_policy() -> dict[str, Any]:
    """No rule could refuse the request, so an explicitly named model is Envoy's to route."""
    return _policy(NATIVE_HOST)


def rules_policy() -> dict[str, Any]:
    """20 rules over CEL, keyword and regex; only the last one matches the bench's requests, so all are evaluated."""
    signals = [
        _keyword("attack", "ignore all previous instructions", "ignore previous instructions", scope="Conversation"),
        _keyword("urgent", "asap", "urgent", "right now", "immediately"),
        _keyword("legal", "contract", "clause", "statute", "plaintiff", "defendant"),
        _keyword("medical", "diagnosis", "dose", "symptom", "patient"),
        _keyword("translate", "translate", "translation", "in French", "in Spanish"),
        _keyword("accounts", LAST_WORD, "balance sheet", "general journal"),
        _regex("email", r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}", scope="Conversation"),
        _regex("card", r"\b(?:\d[ -]?){13,16}\b", scope="Conversation"),
        _regex("ticket", r"\b[A-Z]{2,10}-[0-9]+\b"),
        _regex("traceback", r"Traceback \(most recent call last\)"),
        _regex("sql", r"(?i)\bselect\b.{1,200}\bfrom\b"),
        _regex("url", r"https?://[^\s]+"),
    ]
    conditions: list[tuple[str, dict[str, Any]]] = [
        ("signals.attack.matched", {"reject": {"status": 403, "message": "This looks like an attack."}}),
        ("signals.email.matched || signals.card.matched", {"constrain": {"boundary": "Private"}}),
        ("request.tools.size() > 0", {"constrain": {"capabilities": ["Tools"]}}),
        ('request.modalities.exists(m, m == "image")', {"constrain": {"capabilities": ["Vision"]}}),
        ("request.promptTokens > 500000", {"use": "strong"}),
        ('request.responseFormat == "json_schema"', {"use": "strong"}),
        ("request.turns > 20", {"use": "strong"}),
        ("request.maxTokens > 16000", {"use": "strong"}),
        ("signals.traceback.matched", {"use": "strong"}),
        ("signals.sql.matched && request.promptTokens > 50", {"use": "strong"}),
        ("signals.ticket.matched || signals.url.matched", {"use": "either"}),
        ("signals.urgent.matched && request.promptTokens < 8000", {"use": "everyday"}),
        ("signals.legal.matched && !signals.urgent.matched", {"use": "strong"}),
        ("signals.medical.matched && !signals.urgent.matched", {"use": "strong"}),
        ('request.systemText.contains("You are a lawyer")', {"use": "strong"}),
        ('signals.translate.matched && request.text.contains("poem")', {"use": "strong"}),
        ("request.stream && request.maxTokens > 8000", {"use": "either"}),
        ('tenant == "clinic"', {"constrain": {"compliance": ["HIPAA"]}}),
        ("request.tools.size() > 4 && request.turns > 4", {"use": "strong"}),
        ("signals.accounts.matched && request.promptTokens > 10", {"use": "everyday"}),
    ]
    rules = [
        {"name": f"rule-{number}", "when": when, **action} for number, (when, action) in enumerate(conditions, start=1)
    ]
    return _policy(RULES_HOST, signals=signals, rules=rules)


def similarity_policy(encoder: str) -> dict[str, Any]:
    """10 similarity signals that none of the bench's requests reaches, so all ten are computed."""
    signals = [
        {
            "name": name,
            "similarity": {"encoder": encoder, "threshold": 0.99, "labels": [{"name": name, "examples": examples}]},
        }
        for name, examples in _TOPICS.items()
    ]
    rules = [{"name": name, "when": f"signals.{name}.matched", "use": "strong"} for name in _TOPICS]
    if encoder == "Static":
        return _policy(STATIC_HOST, signals=signals, rules=rules)
    return _policy(TRANSFORMER_HOST, signals=signals, rules=rules, decisionBudget={"time": TRANSFORMER_BUDGET})


def _keyword(name: str, *phrases: str, scope: str = "LatestTurn") -> dict[str, Any]:
    return {"name": name, "keyword": {"any": list(phrases), "scope": scope}}


def _regex(name: str, pattern: str, scope: str = "LatestTurn") -> dict[str, Any]:
    return {"name": name, "regex": {"pattern": pattern, "scope": scope}}
