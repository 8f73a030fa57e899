"""One JSON line a request, made only of words on a list: never a body, a query or a person's id.

Imported by `serving.server`, which sets it up; `serving.guard` writes the lines.
"""

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
        "error",
        "where",
    }
)
"""What a line may say; anything else is left out, whoever wrote it."""


def configure_logs(stream: TextIO) -> None:
    """Sends every line to a stream as JSON."""
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
    """Leaves out of a line what is not on the list."""
    return {name: value for name, value in event.items() if name in ALLOWED}
