"""The application: what it opens when it starts, and the layers around its routes.

Imported by `serving.server` and by whoever runs it under another ASGI server.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from anyio import CapacityLimiter, to_thread
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import Response

from recommender.errors import IntakeError
from recommender.serving import (
    decisions,
    explanations,
    pairings,
    predictions,
    ratings,
    recommendations,
    routes,
    sessions,
)
from recommender.serving.callers import admit
from recommender.serving.door import open_door
from recommender.serving.guard import Guard
from recommender.serving.keeping import Keeper
from recommender.serving.metrics import Measure, Metrics
from recommender.serving.problems import JOURNAL, ProblemError, problem_response, told_as
from recommender.serving.staff import router as staff
from recommender.serving.staff.refused import is_staff, refused_page
from recommender.serving.staff.shown import Tried
from recommender.serving.state import expected_practice, open_state
from recommender.serving.succession import Succession
from recommender.serving.watch import Watch
from recommender.settings import Settings
from recommender.shelf import Shelf

ROUTERS = (
    recommendations.router,
    explanations.router,
    predictions.router,
    decisions.router,
    pairings.router,
    ratings.router,
    routes.router,
    sessions.router,
    *staff.ROUTERS,
)

log = structlog.get_logger()


def create_app(settings: Settings) -> FastAPI:
    """An application that answers once its lifespan has begun.

    Raises
    ------
    BundleError, DefinitionError, TablesError
        When the named bundle, the definition or the roster cannot be used; nothing is served then.
    RecommenderError
        When anybody on the network could ask, or the store of keys cannot be opened.
    """
    opened = open_state(settings)
    door, metrics = open_door(settings), Metrics()
    succession = Succession(metrics=metrics)
    watch = _watch(settings, succession)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(succession.begin, opened)
        if watch is not None:
            watch.start()
        if door.locks is None:
            log.warning("serving_without_keys")
        yield
        if watch is not None:
            await to_thread.run_sync(watch.stop)
        succession.current = None
        door.close()

    app = FastAPI(
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(admit)],
        middleware=[
            Middleware(Measure, metrics=metrics),
            Middleware(Guard),
            Middleware(
                TrustedHostMiddleware,
                allowed_hosts=list(settings.allowed_hosts),
                www_redirect=False,
            ),
            Middleware(RequestBodyLimitMiddleware, max_body_size=settings.body_limit),
        ],
        exception_handlers={
            ProblemError: _refuse,
            IntakeError: _refuse,
            RequestValidationError: _refuse,
            **dict.fromkeys(JOURNAL, _refuse),
        },
    )
    app.state.succession = succession
    app.state.door, app.state.metrics = door, metrics
    app.state.keeper = None if door.locks is None else Keeper(door.locks.store)
    app.state.tried = Tried()
    app.state.limiter = CapacityLimiter(settings.workers)
    app.state.queue_limit = settings.queue_limit
    for each in ROUTERS:
        app.include_router(each)
    return app


def _watch(settings: Settings, succession: Succession) -> Watch | None:
    """Who follows the shelf, where there is one to follow."""
    if settings.shelf is None or settings.bundle is not None:
        return None
    return Watch(Shelf(settings.shelf), succession, settings, expected_practice(settings))


async def _refuse(request: Request, error: Exception) -> Response:
    request.state.problem = told_as(error).kind.slug
    if is_staff(request):
        return refused_page(request, error)
    return problem_response(error, request.state.request_id)
