"""A second model that scores every request and is never shown."""

from pathlib import Path

import numpy as np
import structlog

from recommender.features.feature import Array
from recommender.features.pipeline import Pairs
from recommender.journal.shadows import ShadowOrder
from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.model.bundle.io import read_bundle
from recommender.plan.compiling import plan_for
from recommender.recommendation.recommend import Intake, Recommendation
from recommender.recommendation.shortlists import build_shortlists
from recommender.serving.snapshot.snapshot import ServingSnapshot

LEAST_ELIGIBLE = 3
"""Eligible clinicians below which a correlation of scores says nothing."""

log = structlog.get_logger()


class ShadowModel:
    """The second model, with the roster encoded for it when a request first needs that.

    Parameters
    ----------
    model, digest
        The model and the digest of its bundle.
    """

    def __init__(self, model: AllianceModel, digest: str) -> None:
        self.digest = digest
        self._model = model
        self._encoding: RosterEncoding | None = None

    @classmethod
    def open(cls, bundle: Path) -> "ShadowModel":
        """The model of a bundle; raises `BundleError` when it must not be loaded."""
        return cls(*read_bundle(bundle, None))

    def order_for(
        self,
        snapshot: ServingSnapshot,
        intake: Intake,
        shown: Recommendation,
        top_k: int,
        seed: str,
    ) -> ShadowOrder | None:
        """What this model would have shown for a request.

        None where nothing predicted was shown, where the model shown has another practice
        definition, or where this one fails: what is shown never depends on it.
        """
        same = self._model.practice.digest == snapshot.practice.digest
        if shown.eligible_pairs is None or not same or self.digest == snapshot.digest:
            return None
        try:
            return self._order(snapshot, intake, shown, top_k, seed)
        except Exception as error:
            log.warning("shadow_failed", model=self.digest, error=type(error).__name__)
            return None

    def _order(
        self,
        snapshot: ServingSnapshot,
        intake: Intake,
        shown: Recommendation,
        top_k: int,
        seed: str,
    ) -> ShadowOrder:
        assert shown.eligible_pairs is not None
        encoding, places = self._encoded(snapshot), shown.eligible_pairs.clinician
        pairs = Pairs.with_clinicians(places)
        scored = plan_for(self._model, encoding).score(intake.client, pairs)
        ((entries, _),) = build_shortlists(encoding, [shown.screening], scored, top_k, seed)
        ids = tuple(each.clinician_id for each in entries)
        points = self._model.linker.to_displayed(scored.scores.alliance)
        wanted = {*ids, *(each.clinician_id for each in shown.shortlist)}
        named = zip(places.tolist(), points.tolist(), strict=True)
        predicted = {encoding.roster.ids[place]: round(point, 4) for place, point in named}
        return ShadowOrder(
            self.digest,
            ids,
            {name: predicted[name] for name in sorted(wanted)},
            _agreement(shown.eligible_pairs.scores.pairing, scored.scores.pairing),
        )

    def _encoded(self, snapshot: ServingSnapshot) -> RosterEncoding:
        encoding, roster = self._encoding, snapshot.encoding.roster
        if encoding is None or encoding.roster is not roster:
            encoding = self._model.encode_roster(roster)
            self._encoding = encoding
        return encoding


def _agreement(one: Array, other: Array) -> float | None:
    """Correlation of two models' scores of one client; None where it says nothing."""
    if len(one) < LEAST_ELIGIBLE or not (np.ptp(one) > 0.0 and np.ptp(other) > 0.0):
        return None
    return float(np.corrcoef(one, other)[0, 1])
