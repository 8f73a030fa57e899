"""The one script: htmx as it was released, which puts an answer in its place on the page.

Pages are whole without it. It is told to run nothing that a page holds, to write no style, and to
keep no copy of a page. Imported by `staff.page` and `staff.router`.
"""

import json

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.serving.auth.permissions import PAGES
from recommender.serving.staff.static_files import StaticFile

VERSION = "2.0.11"
ADDRESS = f"{PAGES}/htmx-{VERSION}.js"
SETTINGS = json.dumps(
    {
        "allowEval": False,
        "allowScriptTags": False,
        "includeIndicatorStyles": False,
        "selfRequestsOnly": True,
        "historyCacheSize": 0,
        "refreshOnHistoryMiss": True,
        "responseHandling": [
            {"code": "[23]..", "swap": True},
            {
                "code": "...",
                "swap": True,
                "error": True,
                "target": "main",
                "select": "main",
                "swapOverride": "outerHTML",
            },
        ],
    }
)
"""What is refused takes the place of the whole page, as it does without script."""
SCRIPT = StaticFile.read(f"htmx-{VERSION}.min.js", "text/javascript")
FOR_EVER = "public, max-age=31536000, immutable"
"""Its address has its version: what it holds never changes."""

router = APIRouter(include_in_schema=False)


@router.get(ADDRESS)
async def get_script(request: Request) -> Response:
    """The same for everybody, always."""
    return SCRIPT.sent(request, cache_control=FOR_EVER)


def is_in_place(request: Request) -> bool:
    """Whether the script asks, and not the browser for a whole page."""
    return request.headers.get("hx-request") == "true"


def led_away(address: str) -> Response:
    """Sends the whole page elsewhere when the script asked for a part of it."""
    return Response(status_code=204, headers={"hx-redirect": address})
