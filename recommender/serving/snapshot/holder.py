"""The active snapshot, and its atomic replacement: each candidate is smoke-tested first."""

import gc
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from recommender.serving.http.metrics import Metrics
from recommender.serving.http.problems import NOT_READY, RETRY_SOON, ProblemError
from recommender.serving.snapshot.snapshot import ServingSnapshot

log = structlog.get_logger()


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
    """

    current: ServingSnapshot | None = None
    counts: SwapCounts = field(default_factory=SwapCounts)
    degraded: bool = False
    metrics: Metrics = field(default_factory=Metrics)
    check: Callable[[ServingSnapshot], None] = field(default=lambda _: None)
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
            # Frees the former model, and excludes the new one from later garbage collections.
            gc.unfreeze()
            gc.collect()
            gc.freeze()
            log.info("model_loaded", mode=snapshot.model.manifest.mode, model=snapshot.digest)
