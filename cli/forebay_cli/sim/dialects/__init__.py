"""The API's dialects: each turns a decoded body into a plan, and a plan into the bytes of an answer."""

from collections.abc import Mapping

from forebay_cli.sim.dialects.chat import plan_chat
from forebay_cli.sim.dialects.completions import plan_completion
from forebay_cli.sim.dialects.embeddings import plan_embeddings
from forebay_cli.sim.dialects.plan import Frame, Plan, PlanRequest
from forebay_cli.sim.dialects.responses import plan_response

DIALECTS: Mapping[str, PlanRequest] = {
    "/v1/chat/completions": plan_chat,
    "/v1/completions": plan_completion,
    "/v1/responses": plan_response,
    "/v1/embeddings": plan_embeddings,
}

__all__ = ["DIALECTS", "Frame", "Plan", "PlanRequest"]
