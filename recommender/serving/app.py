"""The application: what it opens when it starts, and the layers around its routes.

Imported by `serving.server` and by whoever runs it under another ASGI server.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import Response

from recommender.serving import models, privacy, roster
from recommender.serving.guard import Guard
from recommender.serving.privacy import AT_A_TIME, SELDOM_SECONDS
from recommender.serving.problems import REFUSED_ERRORS, problem_response
from recommender.serving.queue import Queue
from recommender.serving.receiving import Receiving
from recommender.serving.roster import LOOKUP_SECONDS
from recommender.serving.rosters import Rosters
from recommender.serving.routes import router
from recommender.serving.state import expected_practice, open_state
from recommender.serving.succession import Succession
from recommender.serving.watch import Watch
from recommender.settings import Settings
from recommender.shelf import Shelf
from recommender.store.database import POOL, Store
from recommender.store.migration import open_store


def create_app(settings: Settings) -> FastAPI:
    """An application that answers once its lifespan has begun.

    Raises
    ------
    BundleError, DefinitionError, TablesError
        When the named bundle, the definition or the roster cannot be used; nothing is served then.
    """
    store = opened_store(settings)
    opened, succession = open_state(settings, store), Succession()
    queue = Queue(settings.workers, settings.queue_limit, settings.patience_seconds)
    rosters = Rosters(store, succession, settings.look_seconds)
    watch = _watch(settings, succession)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(succession.begin, opened)
        if watch is not None:
            watch.start()
        rosters.start()
        yield
        await to_thread.run_sync(rosters.stop)
        if watch is not None:
            await to_thread.run_sync(watch.stop)
        succession.current = None
        if store is not None:
            store.close()

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
            Middleware(
                Receiving,
                seconds=settings.receive_seconds,
                limit=settings.body_limit,
                limits={"/v1/roster": settings.roster_limit},
                queues={"/v1/recommendations": queue},
            ),
        ],
        exception_handlers=dict.fromkeys((RequestValidationError, *REFUSED_ERRORS), _refuse),
    )
    app.state.store, app.state.rosters, app.state.settings = store, rosters, settings
    app.state.succession = succession
    app.state.queue = queue
    app.state.lookups = Queue(POOL // 2, settings.queue_limit, LOOKUP_SECONDS)
    app.state.seldom = Queue(AT_A_TIME, settings.queue_limit, SELDOM_SECONDS)
    for each in (router, roster.router, models.router, privacy.router):
        app.include_router(each)
    return app


def opened_store(settings: Settings) -> Store | None:
    """The database that is named, with its schema up to date."""
    return None if settings.store is None else open_store(settings.store.get_secret_value())


def _watch(settings: Settings, succession: Succession) -> Watch | None:
    """Who follows the shelf, where there is one to follow."""
    if settings.shelf is None or settings.bundle is not None:
        return None
    return Watch(Shelf(settings.shelf), succession, settings, expected_practice(settings))


async def _refuse(request: Request, error: Exception) -> Response:
    return problem_response(error, request.state.request_id)
