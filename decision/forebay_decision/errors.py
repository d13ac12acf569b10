"""What can go wrong in a decision, and how a caller hears of it.

DecisionError                 the caller gets an OpenAI-style error object
├── BadRequest     400        the body is not what the endpoint takes; `param` names the field
├── NotFound       404        no such path, or no such model
├── MethodNotAllowed 405
├── TooLarge       413
├── Refused        403, ...   a reject rule, or nothing that policy allows could ever serve it
├── Saturated      429        all that may serve it are busy; Retry-After is set
└── Unavailable    503        a signal that must be known is not, or nothing that may serve it is ready

PolicyError                   a policy does not compile; `path` says where
"""

from __future__ import annotations

from typing import ClassVar


class DecisionError(Exception):
    """Ends a request with an error object: HTTP `status`, OpenAI's `type`, our `code`, the offending `param`."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "invalid_request_error"

    def __init__(
        self,
        message: str,
        *,
        code: str,
        param: str | None = None,
        status: int | None = None,
        retry_after: int | None = None,
        allow: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.http_status = self.status if status is None else status
        self.retry_after = retry_after
        self.allow = allow


class BadRequest(DecisionError):
    status = 400


class NotFound(DecisionError):
    status = 404


class MethodNotAllowed(DecisionError):
    status = 405


class TooLarge(DecisionError):
    status = 413


class Refused(DecisionError):
    status = 403
    type = "policy_error"


class Saturated(DecisionError):
    status = 429
    type = "rate_limit_error"


class Unavailable(DecisionError):
    status = 503
    type = "service_unavailable_error"


class PolicyError(Exception):
    """A policy that cannot be compiled. `path` is the manifest path (``spec.rules[2].when: 1:14``)."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message
