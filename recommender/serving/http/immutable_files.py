"""Static files that browsers store for good."""

from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles

IMMUTABLE = "public, max-age=31536000, immutable"


class ImmutableFiles(StaticFiles):
    """Static files whose addresses change with their content."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        """The file, to be cached for good."""
        response = super().file_response(*args, **options)
        response.headers["cache-control"] = IMMUTABLE
        return response
