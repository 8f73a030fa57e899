"""Configuration of the log: one JSON object a line, with fields of a closed set."""

from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

ALLOWED = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "request_id",
        "trace",
        "caller",
        "method",
        "route",
        "status",
        "duration_ms",
        "mode",
        "model",
        "roster",
        "endpoint",
        "outcome",
        "became",
        "error",
        "where",
    }
)
"""Fields a log line may have; all others are dropped."""


def configure_logs(stream: TextIO) -> None:
    """Writes log lines to a stream as JSON."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            keep_allowed_fields,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )


def keep_allowed_fields(
    _: Any, __: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Structlog processor that drops fields not in `ALLOWED`."""
    return {name: value for name, value in event.items() if name in ALLOWED}
