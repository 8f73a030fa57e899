"""One snapshot answers after another: each change is tried first, and only one is made at a time.

Imported by `serving.watch` and `serving.app`; a change of the roster goes the same way as a change
of the model.
"""

import gc
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from recommender.serving.http.metrics import Metrics
from recommender.serving.snapshot.snapshot import ServingSnapshot

log = structlog.get_logger()


@dataclass(slots=True)
class SwapCounts:
    """What became of models since the server started, for the metrics.

    Attributes
    ----------
    taken_up, refused
        Models that came to answer, and models that were offered and may not.
    """

    loaded: int = 0
    rejected: int = 0


@dataclass(slots=True, eq=False)
class SnapshotHolder:
    """Which snapshot answers now.

    Attributes
    ----------
    current
        None until the first has answered an invented request, and after the last.
    counts
        What became of models.
    alert
        Whether what answers is known not to be what the registry names: its model was refused, or
        the registry is away.
    metrics
        Where it is counted.
    check
        Answers an invented request from a snapshot; raises when the snapshot cannot answer.
    """

    current: ServingSnapshot | None = None
    counts: SwapCounts = field(default_factory=SwapCounts)
    alert: bool = False
    metrics: Metrics = field(default_factory=Metrics)
    check: Callable[[ServingSnapshot], None] = field(default=lambda _: None)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, state: ServingSnapshot) -> None:
        """Lets the first snapshot answer."""
        self._after(state, None)

    def swap(self, changed: Callable[[ServingSnapshot], ServingSnapshot]) -> ServingSnapshot:
        """Lets what becomes of the snapshot answer from now on, and gives it.

        Whatever is raised on the way, the old one goes on answering. Requests under way finish with
        the snapshot they began with.
        """
        with self._turn:
            before = self.current
            if before is None:
                raise RuntimeError
            state = changed(before)
            if state is not before:
                self._after(state, before)
            return state

    def reject(self) -> None:
        """Notes that a model was offered and may not answer."""
        self.alert = True
        self.counts.rejected += 1
        self.metrics.bundle_rejected()

    def _after(self, state: ServingSnapshot, before: ServingSnapshot | None) -> None:
        self.check(state)
        self.current = state
        self.metrics.snapshot_swapped(
            model_changed=before is None or before.digest != state.digest,
            roster_changed=before is not None and _roster(before) != _roster(state),
            taken_at=state.taken_at,
        )
        if before is None or before.model is not state.model:
            self.counts.loaded += 1
            _put_away()
            log.info("took_up", mode=state.model.manifest.mode, model=state.digest)


def _put_away() -> None:
    """Frees the model before, and spares the new one from every collection to come."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _roster(state: ServingSnapshot) -> str:
    return state.encoding.roster.version
