"""The application: what it opens when it starts, and the layers around its routes.

Imported by `serving.server` and by whoever runs it under another ASGI server.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from anyio import to_thread
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import Response

from recommender.errors import IntakeError
from recommender.rollout.bundle_cache import BundleCache
from recommender.serving.api import (
    allocations,
    clinicians,
    decisions,
    explanations,
    health,
    models,
    pairings,
    predictions,
    privacy,
    ratings,
    recommendations,
    sessions,
)
from recommender.serving.api.clinicians import LOOKUP_SECONDS
from recommender.serving.api.privacy import AT_A_TIME, SELDOM_SECONDS
from recommender.serving.auth.backend import open_auth_backend
from recommender.serving.auth.middleware import authorize
from recommender.serving.http.body_limits import BodyLimitMiddleware
from recommender.serving.http.compute_queue import ComputeQueue
from recommender.serving.http.metrics import Metrics, MetricsMiddleware
from recommender.serving.http.problems import (
    JOURNAL_PROBLEMS,
    NOT_ALLOWED,
    ProblemError,
    problem_for,
    problem_response,
)
from recommender.serving.http.request_context import RequestContextMiddleware, route_of
from recommender.serving.services.idempotency import JournalWriter
from recommender.serving.services.recommendation_service import warm_up
from recommender.serving.snapshot.holder import SnapshotHolder
from recommender.serving.snapshot.model_watcher import ModelWatcher
from recommender.serving.snapshot.roster_sync import RosterSync
from recommender.serving.snapshot.snapshot import expected_practice, open_snapshot
from recommender.serving.staff import router as staff
from recommender.serving.staff.page import STATIC, error_page, is_staff, static_files
from recommender.serving.staff.request_source import RecentRecommendations
from recommender.settings import Settings
from recommender.store.database import POOL

ROUTERS = (
    recommendations.router,
    explanations.router,
    predictions.router,
    allocations.router,
    decisions.router,
    pairings.router,
    ratings.router,
    health.router,
    sessions.router,
    clinicians.router,
    models.router,
    privacy.router,
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
    auth, metrics = open_auth_backend(settings), Metrics()
    store = None if auth.locks is None else auth.locks.store
    opened, snapshot_holder = (
        open_snapshot(settings, store),
        SnapshotHolder(metrics=metrics, check=warm_up),
    )
    queue = ComputeQueue(settings.workers, settings.queue_limit, settings.patience_seconds)
    lists = ComputeQueue(
        allocations.AT_A_TIME, allocations.LISTS_WAITING, allocations.PATIENCE_SECONDS
    )
    rosters = RosterSync(store, snapshot_holder, settings.look_seconds)
    watch = _watch(settings, snapshot_holder)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(snapshot_holder.begin, opened)
        if watch is not None:
            watch.start()
        if auth.locks is None:
            log.warning("serving_without_keys")
        rosters.start()
        yield
        await to_thread.run_sync(rosters.stop)
        if watch is not None:
            await to_thread.run_sync(watch.stop)
        snapshot_holder.current = None
        auth.close()

    app = FastAPI(
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(authorize)],
        middleware=[
            Middleware(MetricsMiddleware, metrics=metrics),
            Middleware(RequestContextMiddleware),
            Middleware(
                TrustedHostMiddleware,
                allowed_hosts=list(settings.allowed_hosts),
                www_redirect=False,
            ),
            Middleware(
                BodyLimitMiddleware,
                seconds=settings.receive_seconds,
                limit=settings.body_limit,
                limits={
                    "/v1/roster": settings.roster_limit,
                    "/v1/allocations": settings.list_limit,
                },
                queues={"/v1/recommendations": queue, "/v1/allocations": lists},
            ),
        ],
        exception_handlers={
            ProblemError: _refuse,
            405: _refuse_method,
            IntakeError: _refuse,
            RequestValidationError: _refuse,
            **dict.fromkeys(JOURNAL_PROBLEMS, _refuse),
        },
    )
    app.state.store, app.state.rosters, app.state.settings = store, rosters, settings
    app.state.snapshot_holder = snapshot_holder
    app.state.auth, app.state.metrics = auth, metrics
    app.state.journal_writer = (
        None if auth.locks is None else JournalWriter(auth.locks.store, settings.queue_limit)
    )
    app.state.queue, app.state.lists = queue, lists
    app.state.lookups = ComputeQueue(POOL // 2, settings.queue_limit, LOOKUP_SECONDS)
    app.state.seldom = ComputeQueue(AT_A_TIME, settings.queue_limit, SELDOM_SECONDS)
    app.state.tried = RecentRecommendations()
    for each in ROUTERS:
        app.include_router(each)
    app.mount(STATIC, static_files())
    return app


def _watch(settings: Settings, snapshot_holder: SnapshotHolder) -> ModelWatcher | None:
    """Who follows the shelf, where there is one to follow."""
    if settings.bundles is None or settings.bundle is not None:
        return None
    return ModelWatcher(
        BundleCache(settings.bundles), snapshot_holder, settings, expected_practice(settings)
    )


async def _refuse_method(request: Request, _: Exception) -> Response:
    """Names every method of an address, whichever router has them."""
    asked = route_of(request.scope)
    routes = iter_route_contexts(request.app.routes)
    methods = {method for each in routes if each.path == asked for method in each.methods or ()}
    error = ProblemError(NOT_ALLOWED, headers={"Allow": ", ".join(sorted(methods))})
    return await _refuse(request, error)


async def _refuse(request: Request, error: Exception) -> Response:
    request.state.problem = problem_for(error).kind.slug
    if is_staff(request):
        return error_page(request, error)
    return problem_response(error, request.state.request_id)
