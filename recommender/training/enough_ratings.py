"""What the ratings of a practice allow: to learn at all, and an interval of later errors."""

from dataclasses import replace

import numpy as np

from recommender.alliance.linking import MIN_SD
from recommender.errors import RecommenderError
from recommender.model.alliance_model import AllianceModel
from recommender.training.baselines import OURS
from recommender.training.dataset import Dataset, labels_for
from recommender.training.evaluate import Evaluation
from recommender.training.fit import MIN_CLIENTS, prediction_interval

MIN_RATED = 50
"""Rated pairings below which the evidence prior is published: a held-out fifth would be fewer than
ten ratings."""
MIN_LATER = 200
"""Later ratings from which the published interval is estimated: the coverage of a 90 % interval is
then known to within 4 points (two standard errors)."""
LATER, OUT_OF_FOLD = "later ratings", "out of fold"


def refuse_unlearnable(dataset: Dataset) -> None:
    """Refuses ratings that cannot tell one clinician from another, however many there are.

    Raises
    ------
    RecommenderError
        When they are all of one clinician, of fewer clients than can be held back in turn, or all
        alike: then a model would be zero, and its variances rounding noise.
    """
    if len(np.unique(dataset.pairs.clinician)) < 2:
        problem = "are all of one clinician, so nothing can be learned about choosing among several"
        remedy = "check the column clinician_id; with one clinician no model is needed"
        raise RecommenderError("ratings", problem, remedy)
    clients = len(np.unique(dataset.pairs.client))
    if clients < MIN_CLIENTS:
        problem = f"come from {clients} client{'s'[: clients > 1]}, and a model learns from many"
        remedy = "check the column client_id, or wait until more clients have rated"
        raise RecommenderError("ratings", problem, remedy)
    everyone = np.arange(len(dataset))
    labels = labels_for(dataset, everyone)
    if np.ptp(labels.alliance) < MIN_SD * (labels.linker.high - labels.linker.low):
        problem = f"give all {len(dataset):,} rated pairings the same label: nothing can be learned"
        remedy = "check that `score` and the items hold what each client answered, then train again"
        raise RecommenderError("ratings", problem, remedy)


def with_interval(model: AllianceModel, evaluation: Evaluation) -> tuple[AllianceModel, str]:
    """The model with the interval of our errors on later ratings, and the interval's source.

    Later ratings include change over time, which out-of-fold ones do not. With fewer than
    `MIN_LATER` the out-of-fold interval stays. Reported coverage is of intervals that were stated
    before those ratings were seen.
    """
    tested, predicted = evaluation.held_out, evaluation.scores[OURS].alliance
    error = (tested.label - predicted)[tested.is_rated]
    if len(error) < MIN_LATER:
        return model, OUT_OF_FOLD
    level = model.practice.alliance.interval
    return replace(model, interval=prediction_interval(error, level)), LATER
