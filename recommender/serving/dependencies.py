"""The typed application state, and how routes reach it."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated, TypeVar

from fastapi import Depends, FastAPI, Request

from recommender.errors import NotFoundError
from recommender.journal.idempotency import IdempotencyStore
from recommender.journal.recommendations import ShownRecommendation
from recommender.serving.auth_backend import AuthBackend
from recommender.serving.http.compute_queue import ComputeQueue
from recommender.serving.http.metrics import Metrics
from recommender.serving.sandbox import Sandbox
from recommender.serving.shadow import ShadowModel
from recommender.serving.snapshot.holder import SnapshotHolder
from recommender.serving.snapshot.roster_sync import RosterSync
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.trial_draws import TrialDraws
from recommender.settings import Settings
from recommender.store.database import Store

MAX_RECENT = 20

Result = TypeVar("Result")


class RecentRecommendations:
    """The latest recommendations of a server without a store, held in memory for staff pages."""

    def __init__(self) -> None:
        self._shown: OrderedDict[str, ShownRecommendation] = OrderedDict()
        self._lock = Lock()

    def add(self, shown: ShownRecommendation) -> None:
        """Adds a recommendation; beyond `MAX_RECENT` the oldest is dropped."""
        with self._lock:
            self._shown[shown.recommendation_id] = shown
            while len(self._shown) > MAX_RECENT:
                self._shown.popitem(last=False)

    def find(self, recommendation_id: str) -> ShownRecommendation:
        """A recommendation by its id; raises `NotFoundError` when it is not held."""
        with self._lock:
            shown = self._shown.get(recommendation_id)
        if shown is None:
            raise NotFoundError("recommendation_id", "is not recorded", "request a new one")
        return shown

    def newest(self) -> tuple[ShownRecommendation, ...]:
        """The recommendations held that no other replaces, newest first."""
        with self._lock:
            held = tuple(reversed(self._shown.values()))
        replaced = {each.replaces for each in held}
        return tuple(each for each in held if each.recommendation_id not in replaced)


@dataclass(frozen=True, slots=True, eq=False)
class Queues:
    """The queues for worker threads, one for each kind of work.

    Attributes
    ----------
    recommendations, allocations
        Single requests, and waiting lists.
    journal
        Reads and writes of the journal.
    lookups
        Reads and writes of the roster.
    exclusive
        Exports, erasures and audit verification.
    """

    recommendations: ComputeQueue
    allocations: ComputeQueue
    journal: ComputeQueue
    lookups: ComputeQueue
    exclusive: ComputeQueue


@dataclass(frozen=True, slots=True, eq=False)
class AppState:
    """Everything a running server holds; `app.state.context`.

    Attributes
    ----------
    store, idempotency, sandbox
        The database, its idempotent writes, and writes that are not stored; None for a server
        without a store.
    snapshots
        The active model, roster and schemas.
    draws
        Arms of the trial that is open.
    second
        The model that scores every request and is never shown; None without one.
    recent
        Recommendations of a server without a store.
    """

    settings: Settings
    store: Store | None
    idempotency: IdempotencyStore | None
    sandbox: Sandbox | None
    auth: AuthBackend
    metrics: Metrics
    snapshots: SnapshotHolder
    rosters: RosterSync
    queues: Queues
    draws: TrialDraws
    second: ShadowModel | None
    recent: RecentRecommendations = field(default_factory=RecentRecommendations)


def app_state(app: FastAPI) -> AppState:
    """The state of a running application."""
    state: AppState = app.state.context
    return state


def current_snapshot(app: FastAPI) -> ServingSnapshot:
    """The active snapshot; raises `ProblemError` (503) before the first one is loaded.

    A request reads it once, so that its response is of one version.
    """
    return app_state(app).snapshots.require()


async def _context(request: Request) -> AppState:
    return app_state(request.app)


async def _snapshot(request: Request) -> ServingSnapshot:
    return current_snapshot(request.app)


Context = Annotated[AppState, Depends(_context)]
Snapshot = Annotated[ServingSnapshot, Depends(_snapshot)]


async def run_in_pool(app: FastAPI, work: Callable[[], Result]) -> Result:
    """The result of `work`, computed in a worker thread of recommendations."""
    return await app_state(app).queues.recommendations.run(work)
