"""One snapshot answers after another: each change is tried first, and only one is made at a time.

Imported by `serving.watch` and `serving.app`; a change of the roster goes the same way as a change
of the model.
"""

import gc
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from recommender.serving.answers import warm_up
from recommender.serving.metrics import Metrics
from recommender.serving.state import State

log = structlog.get_logger()


@dataclass(slots=True)
class Counts:
    """What became of models since the server started, for the metrics.

    Attributes
    ----------
    taken_up, refused
        Models that came to answer, and models that were offered and may not.
    """

    taken_up: int = 0
    refused: int = 0


@dataclass(slots=True, eq=False)
class Succession:
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
    """

    current: State | None = None
    counts: Counts = field(default_factory=Counts)
    alert: bool = False
    metrics: Metrics = field(default_factory=Metrics)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, state: State) -> None:
        """Lets the first snapshot answer."""
        self._after(state, None)

    def change(self, changed: Callable[[State], State]) -> State:
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

    def refuse(self) -> None:
        """Notes that a model was offered and may not answer."""
        self.alert = True
        self.counts.refused += 1
        self.metrics.refused_model()

    def _after(self, state: State, before: State | None) -> None:
        warm_up(state)
        self.current = state
        self.metrics.took_up(state, before)
        if before is None or before.model is not state.model:
            self.counts.taken_up += 1
            _put_away()
            log.info("took_up", mode=state.model.manifest.mode, model=state.digest)


def _put_away() -> None:
    """Frees the model before, and spares the new one from every collection to come."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
