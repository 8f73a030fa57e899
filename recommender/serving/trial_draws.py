"""The arm of each request while a trial is open, and whether the order is withdrawn after one."""

import time
from dataclasses import dataclass

from recommender.journal.trial_arms import (
    OpenTrial,
    TrialArm,
    arm_of_request,
    open_trial,
    trials_of_harm,
)
from recommender.recommendation.trial_orders import TrialOrders
from recommender.serving.schemas.intake import ParsedRequest
from recommender.store.database import Store
from recommender.trial.protocol import TrialProtocol
from recommender.trial.randomisation import MODEL, USUAL, Arm, arm_of


@dataclass(frozen=True, slots=True)
class DrawnArm:
    """The arm drawn for a request, before its orders are computed."""

    trial_id: str
    arm: Arm
    chance: float

    def with_orders(self, orders: TrialOrders) -> TrialArm:
        """The arm as it is stored."""
        return TrialArm(
            self.trial_id,
            self.arm,
            self.chance,
            orders.client_part,
            orders.model_order,
            orders.usual_order,
        )


class TrialDraws:
    """Draws arms in the trial that is open, which is read from the store now and then.

    Parameters
    ----------
    store
        The journal's database; None for a server without, where no trial can be.
    seconds
        How long what was read of trials is used.
    """

    def __init__(self, store: Store | None, seconds: float) -> None:
        self._store, self._seconds = store, seconds
        self._trial: OpenTrial | None = None
        self._chance = 0.0
        self._harmed = False
        self._read_at = -float("inf")

    @property
    def reads_store(self) -> bool:
        """Whether a draw may read the store, so that it does not belong on the event loop."""
        return self._store is not None and (self._trial is not None or self._is_old())

    def order_withdrawn(self) -> bool:
        """Whether a trial ended for harm, and nobody restored the model's order or tries it again.

        While a trial is open the draw decides: a person started it after the harm.
        """
        return self._open() is None and self._harmed

    def draw(self, request: ParsedRequest, recommendation_id: str) -> DrawnArm | None:
        """The arm of a request; a later version of a request is in the arm of the first.

        The key of the draw is the client's pseudonym, so that a client who asks again is in the
        same arm, or the id of the recommendation for a client without one. None while no trial is
        open.
        """
        trial = self._open()
        if trial is None or self._store is None:
            return None
        chance, earlier = self._chance, None
        if request.replaces is not None:
            with self._store.reading() as connection:
                earlier = arm_of_request(connection, trial.trial_id, request.replaces)
        if earlier is not None:
            return DrawnArm(trial.trial_id, MODEL if earlier == MODEL else USUAL, chance)
        key = request.client_id or recommendation_id
        return DrawnArm(trial.trial_id, arm_of(trial.seed, key, chance), chance)

    def _open(self) -> OpenTrial | None:
        if self._store is not None and self._is_old():
            now = time.monotonic()
            with self._store.reading() as connection:
                trial = open_trial(connection)
                harmed = bool(trials_of_harm(connection))
            if trial is not None:
                self._chance = TrialProtocol.from_json(trial.protocol).chance
            self._trial, self._harmed, self._read_at = trial, harmed, now
        return self._trial

    def _is_old(self) -> bool:
        return time.monotonic() - self._read_at >= self._seconds
