"""The application: its state, lifespan, middleware and routers."""

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
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from recommender.errors import IntakeError
from recommender.journal.idempotency import IdempotencyStore
from recommender.rollout.bundle_cache import BundleCache
from recommender.serving import appearance
from recommender.serving.api import (
    allocations,
    clinicians,
    closings,
    decisions,
    explanations,
    health,
    pairings,
    privacy,
    questions,
    ratings,
    recommendation_list,
    recommendations,
    sessions,
    wishes,
)
from recommender.serving.auth_backend import open_auth_backend
from recommender.serving.authorization import accepts_html, authorize, is_page
from recommender.serving.cors import VARIES, CorsMiddleware
from recommender.serving.dependencies import AppState, Queues, app_state
from recommender.serving.http.body_limits import BodyLimitMiddleware
from recommender.serving.http.busy_refusal import BusyRefusal
from recommender.serving.http.compression import CompressionMiddleware
from recommender.serving.http.compute_queue import ComputeQueue
from recommender.serving.http.head_requests import HeadMiddleware
from recommender.serving.http.metrics import Metrics
from recommender.serving.http.near_paths import near_path
from recommender.serving.http.problems import (
    JOURNAL_PROBLEMS,
    NOT_ALLOWED,
    NOT_FOUND,
    FieldError,
    ProblemError,
    problem_for,
    problem_response,
)
from recommender.serving.http.request_context import (
    RequestContextMiddleware,
    request_info,
    route_of,
)
from recommender.serving.http.root_path import RootPathMiddleware, path_within
from recommender.serving.match import page as matching
from recommender.serving.match.pages import router as matching_router
from recommender.serving.match.state import open_matching_page
from recommender.serving.recommendation_service import warm_up
from recommender.serving.reference import page as reference
from recommender.serving.sandbox import Sandbox
from recommender.serving.shadow import ShadowModel
from recommender.serving.snapshot.holder import ModelWatcher, SnapshotHolder
from recommender.serving.snapshot.roster_sync import RosterSync
from recommender.serving.snapshot.snapshot import expected_practice, open_snapshot
from recommender.serving.staff import pages as staff
from recommender.serving.staff.error_pages import error_page
from recommender.serving.staff.page import STATIC, is_staff, redirect, static_files
from recommender.serving.staff.pages.owner.roster import ROSTER, ROSTER_APPLIED
from recommender.serving.trial_draws import TrialDraws
from recommender.serving.webhook_thread import WebhookThread
from recommender.settings import Settings
from recommender.store.database import POOL

ROUTERS = (
    questions.router,
    recommendations.request_router,
    recommendations.router,
    recommendation_list.router,
    explanations.router,
    recommendations.predictions_router,
    allocations.router,
    wishes.router,
    decisions.router,
    closings.router,
    pairings.router,
    ratings.router,
    health.router,
    sessions.router,
    clinicians.router,
    health.models_router,
    privacy.router,
    privacy.consents_router,
    reference.router,
    appearance.router,
    *staff.ROUTERS,
    matching_router,
)

BURST = 8
"""Requests for recommendations that may wait for each worker, so that people who ask at the same
moment are answered."""
BULK_CONCURRENCY = 1
"""Waiting lists are allocated one at a time, as are exports, erasures and audit verifications."""
MAX_QUEUED_LISTS = 4
LIST_WAIT_SECONDS, LOOKUP_WAIT_SECONDS, JOURNAL_WAIT_SECONDS = 30.0, 2.0, 2.0
EXCLUSIVE_WAIT_SECONDS = 60.0

log = structlog.get_logger()


def create_app(settings: Settings) -> FastAPI:
    """The application; it serves requests once its lifespan has begun.

    Raises
    ------
    BundleError, DefinitionError, TablesError
        When the configured bundle, practice definition or roster cannot be used.
    RecommenderError
        When a server without a store would listen to other machines, or the store cannot be opened.
    """
    context = _open_context(settings)
    first = open_snapshot(settings, context.store)
    watcher = _model_watcher(settings, context.snapshots)
    webhooks = WebhookThread(context.auth.credentials, context.metrics, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(context.snapshots.start, first)
        if watcher is not None:
            watcher.start()
        if context.store is None:
            log.warning("serving_without_keys")
        context.rosters.start()
        webhooks.start()
        yield
        await to_thread.run_sync(webhooks.stop)
        await to_thread.run_sync(context.rosters.stop)
        if watcher is not None:
            await to_thread.run_sync(watcher.stop)
        context.snapshots.current = None
        context.auth.close()

    app = FastAPI(
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(authorize)],
        middleware=_middleware(settings, context),
        exception_handlers={
            404: _refuse_address,
            405: _refuse_method,
            **dict.fromkeys(
                (ProblemError, IntakeError, RequestValidationError, *JOURNAL_PROBLEMS), _refuse
            ),
        },
    )
    app.state.context = context
    app.state.busy_refusal = BusyRefusal(
        _queues_by_path(context),
        allowed_hosts=settings.allowed_hosts,
        root_path=settings.root_path,
        response_headers={} if context.auth.credentials is None else VARIES,
        completed=context.metrics.request_completed,
    )
    for router in ROUTERS:
        app.include_router(router)
    app.mount(STATIC, static_files())
    app.mount(reference.STATIC, reference.static_files())
    app.mount(matching.STATIC, matching.static_files())
    app.state.appearance = appearance.open_appearance(first.practice, settings.practice)
    app.state.matching = open_matching_page(settings, first.practice, context.auth)
    return app


def _open_context(settings: Settings) -> AppState:
    auth, metrics = open_auth_backend(settings), Metrics()
    store = None if auth.credentials is None else auth.credentials.store
    idempotency = None if store is None else IdempotencyStore(store)
    snapshots = SnapshotHolder(metrics=metrics, check=warm_up)
    limit = settings.queue_limit
    return AppState(
        settings=settings,
        store=store,
        idempotency=idempotency,
        sandbox=None if store is None else Sandbox(store),
        auth=auth,
        metrics=metrics,
        snapshots=snapshots,
        draws=TrialDraws(store, settings.poll_seconds),
        second=None if settings.shadow is None else ShadowModel.open(settings.shadow),
        rosters=RosterSync(store, idempotency, snapshots, settings.poll_seconds),
        queues=Queues(
            recommendations=ComputeQueue(
                settings.workers, limit, settings.queue_wait_seconds, burst=BURST
            ),
            allocations=ComputeQueue(BULK_CONCURRENCY, MAX_QUEUED_LISTS, LIST_WAIT_SECONDS),
            journal=ComputeQueue(POOL, limit, JOURNAL_WAIT_SECONDS),
            lookups=ComputeQueue(POOL // 2, limit, LOOKUP_WAIT_SECONDS),
            exclusive=ComputeQueue(BULK_CONCURRENCY, limit, EXCLUSIVE_WAIT_SECONDS),
        ),
    )


def _middleware(settings: Settings, context: AppState) -> list[Middleware]:
    """The ASGI layers, outermost first."""
    proxies = list(settings.forwarded_allow_ips)
    return [
        *([Middleware(ProxyHeadersMiddleware, trusted_hosts=proxies)] if proxies else []),
        Middleware(
            RootPathMiddleware, root_path=settings.root_path, declared_proxies=bool(proxies)
        ),
        Middleware(RequestContextMiddleware, completed=context.metrics.request_completed),
        Middleware(
            TrustedHostMiddleware, allowed_hosts=list(settings.allowed_hosts), www_redirect=False
        ),
        Middleware(CorsMiddleware, auth=context.auth),
        Middleware(
            BodyLimitMiddleware,
            seconds=settings.receive_timeout_seconds,
            limit=settings.max_body_bytes,
            limits={
                "/v1/roster": settings.max_roster_bytes,
                ROSTER: settings.max_roster_bytes,
                ROSTER_APPLIED: settings.max_roster_bytes,
                "/v1/allocations": settings.max_list_bytes,
            },
            queues=_queues_by_path(context),
        ),
        Middleware(HeadMiddleware),
        Middleware(CompressionMiddleware),
    ]


def _queues_by_path(context: AppState) -> dict[str, ComputeQueue]:
    """The queues that are full or not before a request is read."""
    return {
        "/v1/recommendations": context.queues.recommendations,
        "/v1/allocations": context.queues.allocations,
    }


def _model_watcher(settings: Settings, snapshots: SnapshotHolder) -> ModelWatcher | None:
    if settings.bundles is None or settings.bundle is not None:
        return None
    cache = BundleCache(settings.bundles)
    return ModelWatcher(cache, snapshots, settings, expected_practice(settings))


async def _refuse_address(request: Request, _: Exception) -> Response:
    """404 with the address that was probably meant; a page for a browser below /staff."""
    path = path_within(request.scope)
    if matching.is_matching_page(path) and _shows_matching_page(request):
        return matching.refusal(request, ProblemError(NOT_FOUND))
    shows_pages = accepts_html(request.headers)
    near_page = is_page(path) or path == f"{reference.ADDRESS}/"
    if near_page and shows_pages and path.endswith("/") and request.method == "GET":
        return redirect(path.rstrip("/"))
    if is_page(path) and shows_pages:
        request_info(request.scope).problem = NOT_FOUND.slug
        return await error_page(request, ProblemError(NOT_FOUND))
    declared = (str(route.path) for route in iter_route_contexts(request.app.routes))
    pages = (is_page, matching.is_matching_page)
    meant = near_path(path, (each for each in declared if not any(of(each) for of in pages)))
    hints = [FieldError(pointer="", code="unknown_path", message=f"did you mean {meant}?")]
    return await _refuse(request, ProblemError(NOT_FOUND, hints if meant else ()))


async def _refuse_method(request: Request, _: Exception) -> Response:
    """405 with all methods of the path, of whichever router; OPTIONS gets them as its answer."""
    path = route_of(request.scope)
    routes = iter_route_contexts(request.app.routes)
    methods = {method for each in routes if each.path == path for method in each.methods or ()}
    # Files of pages are mounted, without a list of methods.
    methods = methods or {"GET"}
    implied = {"HEAD", "OPTIONS"} if "GET" in methods else {"OPTIONS"}
    allowed = ", ".join(sorted(methods | implied))
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": allowed})
    hint = FieldError(pointer="", code="method", message=f"this address takes {allowed}")
    hints = () if is_staff(request) else (hint,)
    return await _refuse(request, ProblemError(NOT_ALLOWED, hints, {"Allow": allowed}))


def _shows_matching_page(request: Request) -> bool:
    return app_state(request.app).settings.matching_page and accepts_html(request.headers)


async def _refuse(request: Request, error: Exception) -> Response:
    info = request_info(request.scope)
    info.problem = problem_for(error).kind.slug
    if matching.is_matching_page(route_of(request.scope)) and _shows_matching_page(request):
        return matching.refusal(request, error)
    if is_staff(request):
        return await error_page(request, error)
    return problem_response(error, info.request_id, root_path=info.root_path)
