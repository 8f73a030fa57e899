"""The active snapshot, its atomic replacement after a smoke test, and the watcher of new models."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from recommender.errors import BundleError, RecommenderError
from recommender.practice.definition import Practice
from recommender.rollout.bundle_cache import BundleCache, RegistryPointer
from recommender.serving.http.metrics import Metrics
from recommender.serving.http.problems import NOT_READY, RETRY_SOON, ProblemError
from recommender.serving.snapshot.snapshot import (
    BUNDLE_REJECTED,
    ServingSnapshot,
    load_cached_bundle,
    with_model,
)
from recommender.settings import Settings

log = structlog.get_logger()


def _no_notice() -> None:
    """Does nothing."""


@dataclass(slots=True)
class SwapCounts:
    """Number of models loaded and rejected since the start."""

    loaded: int = 0
    rejected: int = 0


@dataclass(slots=True, eq=False)
class SnapshotHolder:
    """Holds the active snapshot and swaps it.

    Attributes
    ----------
    current
        The active snapshot; None before the first and after shutdown.
    counts
        Models loaded and rejected.
    degraded
        Whether the active model is known not to be the registry's champion: the champion was
        rejected, or the registry is unreachable.
    metrics
        Where swaps are counted.
    check
        Smoke test of a candidate; raises when it cannot answer.
    on_new_model
        Called after a model other than the former one became active.
    """

    current: ServingSnapshot | None = None
    counts: SwapCounts = field(default_factory=SwapCounts)
    degraded: bool = False
    metrics: Metrics = field(default_factory=Metrics)
    check: Callable[[ServingSnapshot], None] = field(default=lambda _: None)
    on_new_model: Callable[[], None] = _no_notice
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def require(self) -> ServingSnapshot:
        """The active snapshot; raises `ProblemError` (503) when there is none."""
        snapshot = self.current
        if snapshot is None:
            raise ProblemError(NOT_READY, headers=RETRY_SOON)
        return snapshot

    def start(self, snapshot: ServingSnapshot) -> None:
        """Activates the first snapshot."""
        self._activate(snapshot, None)

    def swap(self, change: Callable[[ServingSnapshot], ServingSnapshot]) -> ServingSnapshot:
        """Activates and returns the changed snapshot; swaps are serialised.

        When `change` or the smoke test raises, the present snapshot stays active. Requests in
        progress finish with the snapshot they started with.
        """
        with self._lock:
            before = self.current
            if before is None:
                raise RuntimeError
            snapshot = change(before)
            if snapshot is not before:
                self._activate(snapshot, before)
            return snapshot

    def reject(self) -> None:
        """Records that a model was rejected."""
        self.degraded = True
        self.counts.rejected += 1
        self.metrics.bundle_rejected()

    def _activate(self, snapshot: ServingSnapshot, before: ServingSnapshot | None) -> None:
        self.check(snapshot)
        self.current = snapshot
        self.metrics.snapshot_swapped(
            model_changed=before is None or before.digest != snapshot.digest,
            roster_changed=before is not None
            and before.encoding.roster.version != snapshot.encoding.roster.version,
            taken_at=snapshot.taken_at,
        )
        if before is None or before.model is not snapshot.model:
            self.counts.loaded += 1
            self.on_new_model()
            log.info("model_loaded", mode=snapshot.model.manifest.mode, model=snapshot.digest)


class ModelWatcher:
    """A thread that follows one bundle cache.

    Parameters
    ----------
    bundle_cache
        The cache that the poller of the registry fills.
    snapshots
        Holder of the active snapshot.
    settings
        Settings of the server.
    expected
        The practice definition bundles must be trained with; None accepts any.
    """

    def __init__(
        self,
        bundle_cache: BundleCache,
        snapshots: SnapshotHolder,
        settings: Settings,
        expected: Practice | None,
    ) -> None:
        self._bundle_cache = bundle_cache
        self._snapshots = snapshots
        self._settings = settings
        self._expected = expected
        self._seen: RegistryPointer | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Starts polling; the active model is recorded as the last good one."""
        self._store_last_good()
        self._thread.start()

    def stop(self) -> None:
        """Stops polling, after a load in progress."""
        self._stop.set()
        self._thread.join()

    def poll(self) -> None:
        """Reads the pointer once; loads its model, or logs why it is rejected."""
        pointer = self._bundle_cache.read_pointer()
        if pointer is None or pointer == self._seen:
            return
        self._log_registry(pointer)
        self._seen = pointer
        if pointer.unreachable:
            return
        self._snapshots.degraded = False
        if pointer.rejected is not None:
            self._reject(pointer.digest, pointer.rejected)
        elif pointer.digest is not None:
            self._load(pointer.digest, pointer.version)

    def _run(self) -> None:
        while not self._stop.wait(self._settings.poll_seconds):
            try:
                self.poll()
            except Exception as error:
                # The thread must survive errors of foreign bundles and full disks.
                self._reject(None, type(error).__name__)

    def _load(self, digest: str, version: int | None) -> None:
        current = self._snapshots.current
        if current is not None and current.digest == digest:
            self._store_last_good()
            return
        try:
            model, _ = load_cached_bundle(self._bundle_cache, digest, self._expected)

            def change(snapshot: ServingSnapshot) -> ServingSnapshot:
                return with_model(snapshot, model, digest, self._settings, version)

            self._snapshots.swap(change)
        except RecommenderError as error:
            where = error.field if isinstance(error, BundleError) else None
            self._reject(digest, type(error).__name__, where)
        else:
            self._store_last_good()

    def _reject(self, digest: str | None, error: str, where: str | None = None) -> None:
        self._snapshots.reject()
        log.error(BUNDLE_REJECTED, model=digest, error=error, where=where)

    def _log_registry(self, pointer: RegistryPointer) -> None:
        was_unreachable = self._seen is not None and self._seen.unreachable
        if pointer.unreachable and not was_unreachable:
            self._snapshots.degraded = True
            log.warning("registry_unreachable")
        elif was_unreachable and not pointer.unreachable:
            log.info("registry_recovered")

    def _store_last_good(self) -> None:
        """Records the active model as the last good one, unless it is the evidence prior."""
        current = self._snapshots.current
        if current is not None and self._bundle_cache.bundle(current.digest).is_dir():
            self._bundle_cache.store_last_good(current.digest)
