"""The application: what it opens when it starts, and the layers around its routes.

Imported by `serving.server` and by whoever runs it under another ASGI server.
"""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import Response

from recommender.errors import IntakeError
from recommender.serving.answers import warm_up
from recommender.serving.guard import Guard
from recommender.serving.problems import ProblemError, problem_response
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
    """
    opened = open_state(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await take_up(app, opened)
        yield
        app.state.current = None

    app = FastAPI(
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[
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
        },
    )
    app.state.current = None
    app.state.limiter = CapacityLimiter(settings.workers)
    app.state.queue_limit = settings.queue_limit
    app.include_router(router)
    return app


async def take_up(app: FastAPI, state: State) -> None:
    """Lets a snapshot answer from now on, once it has answered an invented request.

    One reference is exchanged: requests under way finish with the snapshot they began with.
    """
    await to_thread.run_sync(warm_up, state)
    app.state.current = state
    # What stays for as long as the model does is not looked through again at every collection.
    gc.collect()
    gc.freeze()
    log.info("took_up", mode=state.model.manifest.mode, model=state.digest)


async def _refuse(request: Request, error: Exception) -> Response:
    return problem_response(error, request.state.request_id)
