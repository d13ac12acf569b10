"""Log lines: one JSON object each, on standard error. Records hold no text of a request, so lines cannot either."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Final, TextIO

import msgspec

from forebay_decision.record import DecisionRecord

DECISIONS: Final = logging.getLogger("forebay.decisions")
"""One line a decision, at INFO; off unless asked for."""
LEVELS: Final = ("error", "warning", "info", "decisions", "debug")
_PLAIN: Final = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """``{"ts", "level", "logger", "event", ...}``: what a call gives as `extra` stands beside the event."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {key: value for key, value in record.__dict__.items() if key not in _PLAIN}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def set_up(level: str, stream: TextIO = sys.stderr) -> None:
    """Send this process's log to `stream`; `level` is one of LEVELS, ``decisions`` being info plus the decisions."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper() if level != "decisions" else "INFO", handlers=[handler], force=True)
    DECISIONS.setLevel(logging.INFO if level in ("decisions", "debug") else logging.WARNING)


def log_decision(record: DecisionRecord, *, shadow_of: str = "") -> None:
    """The decision's line, where somebody listens."""
    if DECISIONS.isEnabledFor(logging.INFO):
        DECISIONS.info("shadow" if shadow_of else "decision", extra={"record": record, "enforced": shadow_of})
