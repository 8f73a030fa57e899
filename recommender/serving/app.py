"""The application: what it opens when it starts, and the layers around its routes.

Imported by `serving.server` and by whoever runs it under another ASGI server.
"""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from anyio import CapacityLimiter, to_thread
from fastapi import Depends, FastAPI, Request
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import Response

from recommender.errors import IntakeError, UnavailableError
from recommender.serving import sessions
from recommender.serving.answers import warm_up
from recommender.serving.callers import admit
from recommender.serving.door import open_door
from recommender.serving.guard import Guard
from recommender.serving.metrics import Measure, Metrics
from recommender.serving.problems import ProblemError, problem_response, told_as
from recommender.serving.routes import router
from recommender.serving.state import State, open_state
from recommender.settings import Settings

log = structlog.get_logger()


def create_app(settings: Settings) -> FastAPI:
    """An application that answers once its lifespan has begun.

    Raises
    ------
    BundleError, TablesError
        When the model or the roster cannot be opened; nothing is served then.
    RecommenderError
        When anybody on the network could ask, or the store of keys cannot be opened.
    """
    opened = open_state(settings)
    door, metrics = open_door(settings), Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await take_up(app, opened)
        if door.locks is None:
            log.warning("serving_without_keys")
        yield
        app.state.current = None
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
            UnavailableError: _refuse,
        },
    )
    app.state.current = None
    app.state.door, app.state.metrics = door, metrics
    app.state.limiter = CapacityLimiter(settings.workers)
    app.state.queue_limit = settings.queue_limit
    app.include_router(router)
    app.include_router(sessions.router)
    return app


async def take_up(app: FastAPI, state: State) -> None:
    """Lets a snapshot answer from now on, once it has answered an invented request.

    One reference is exchanged: requests under way finish with the snapshot they began with.
    """
    await to_thread.run_sync(warm_up, state)
    metrics: Metrics = app.state.metrics
    metrics.took_up(state, before=app.state.current)
    app.state.current = state
    # What stays for as long as the model does is not looked through again at every collection.
    gc.collect()
    gc.freeze()
    log.info("took_up", mode=state.model.manifest.mode, model=state.digest)


async def _refuse(request: Request, error: Exception) -> Response:
    request.state.problem = told_as(error).kind.slug
    return problem_response(error, request.state.request_id)
