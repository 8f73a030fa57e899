"""The figures of one learner in one simulated practice."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from experiments.bake_off.answer import Answer
from experiments.bake_off.arena import Arena
from experiments.bake_off.later import Met, chosen_by_staff, rated_by_all
from experiments.known_truth import (
    Floats,
    Places,
    cap_share,
    first_ranked,
    share,
    too_high,
)
from recommender.training.bootstrap import bootstrap
from recommender.training.metrics import client_adjusted_partial, coverage, dyad_partial, top_share

DRAWS = 200
Figures = dict[str, float]


@dataclass(frozen=True)
class Judge:
    """What measures every learner of one simulated practice alike.

    Attributes
    ----------
    arena
        The practice.
    """

    arena: Arena

    @cached_property
    def staffed(self) -> Met:
        """Whom staff would choose for each test client, and their ratings."""
        return chosen_by_staff(self.arena)

    @cached_property
    def expected(self) -> Floats:
        """What each test client would rate an average clinician, as our client part says."""
        arena = self.arena
        expected = np.full(len(arena.truth.client_ids), np.nan)
        # It does not depend on the clinician: any asked pair of the client has it.
        expected[arena.row] = arena.trial.expected
        return expected

    def figures(self, answer: Answer) -> Figures:
        """Everything measured of one learner; NaN where a figure does not apply."""
        arena, truth = self.arena, self.arena.truth
        scores = arena.matrix(answer.pairing)
        first = first_ranked(truth, scores, arena.trial.seed)
        return {
            "cap_share": cap_share(truth, scores),
            "share": share(truth, scores),
            "cold_share": share(truth, scores, among=truth.cold),
            "top_share": top_share(first.astype(np.int64), len(truth.clinician_ids)),
            **self._too_high(answer, first),
            **self._ranges(answer, first),
            **self._partials(scores),
        }

    def _too_high(self, answer: Answer, first: Places) -> Figures:
        """Predicted less true alliance, over random feasible pairs and over the first-ranked."""
        predicted = self.arena.matrix(answer.alliance)
        named = np.zeros(predicted.shape, dtype=bool)
        named[np.arange(len(first)), first] = True
        truth = self.arena.truth
        return {
            "optimism_random": too_high(truth, predicted, truth.feasible),
            "optimism_first": too_high(truth, predicted, named),
        }

    def _ranges(self, answer: Answer, first: Places) -> Figures:
        """How often the range holds the rating: rated later, and first-ranked, all rating."""
        if answer.low is None or answer.high is None:
            return {"coverage_rated": np.nan, "coverage_first": np.nan, "width": np.nan}
        low, high = self.arena.matrix(answer.low), self.arena.matrix(answer.high)
        return {
            "coverage_rated": _held(low, high, self.staffed),
            "coverage_first": _held(low, high, rated_by_all(self.arena, first)),
            "width": float(np.nanmean(high - low)),
        }

    def _partials(self, scores: Floats) -> Figures:
        """Order of later ratings net of the client, and within clinicians, as logged data say."""
        met, many = self.staffed, np.arange(len(self.staffed.column))
        rated = np.isfinite(met.label)
        score, label = scores[many, met.column][rated], met.label[rated]
        client, clinician = self.expected[rated], met.column[rated].astype(np.int64)

        def measured(weights: Floats) -> float:
            return dyad_partial(score, label, client, clinician, weights)

        ids = many[rated].astype(np.int64)
        found = bootstrap(measured, ids, clinician, seed=self.arena.trial.seed, draws=DRAWS)
        return {
            "partial": client_adjusted_partial(score, label, client),
            "dyad_partial": found.value,
            "dyad_low": found.low,
            "dyad_high": found.high,
        }


def _held(low: Floats, high: Floats, met: Met) -> float:
    many, rated = np.arange(len(met.column)), np.isfinite(met.label)
    rows, columns = many[rated], met.column[rated]
    return coverage(low[rows, columns], high[rows, columns], met.label[rated])
