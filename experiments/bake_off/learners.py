"""Every entrant of the bake-off by name; one loop walks them."""

from collections.abc import Mapping
from dataclasses import replace

from experiments.bake_off.answer import Answer, ByTruth, Entrant, InapplicableError, guessed
from experiments.bake_off.boosting import ranker_by_bins, ranker_by_client, regularised, tuned
from experiments.bake_off.ceiling import CEILING, ceiling
from experiments.bake_off.factorisation import factorisation
from experiments.bake_off.gpboosting import gpboost
from experiments.bake_off.named_products import TRUE_PRODUCTS, with_products
from experiments.bake_off.pooled import DIFFERENCE, WIDE_DIFFERENCE, newcomer, started_from
from recommender.training.baselines import (
    AVERAGE,
    OURS,
    PLAIN,
    POPULARITY,
    PRIOR,
    RANDOM,
    FoldTask,
    at_random,
    clinician_average,
    evidence_prior,
    plain_lightgbm,
    shrunken_popularity,
)
from recommender.training.fit import fit
from recommender.training.tree_fitting import FitSettings

TUNED, SMALL = "tuned LightGBM", "LightGBM, small trees"
MIXED, TREES = "mixed model alone", "trees alone"

ROWS = (
    "recommender.features.*",
    "recommender.alliance.*",
    "recommender.practice.comparisons",
    "recommender.practice.match_operators",
    "recommender.training.dataset",
)
"""What decides the rows and ratings every learner sees."""
FIT = ("closure of recommender.training.fit",)
"""Our learner: everything its fit imports."""
STUDY = (*ROWS, "experiments.bake_off.residual")
NAMED = ("experiments.bake_off.named_products",)
POOLED = (*FIT, "closure of recommender.training.contribution", "experiments.bake_off.pooled")


def ours(trial: FoldTask) -> Answer:
    """The alliance model, with its range."""
    model = trial.fitted.model
    scores = model.score(trial.dataset.clients, trial.encoding, trial.pairs)
    low, high = model.interval_of(scores)
    return Answer(scores.pairing, scores.alliance, low, high)


def mixed_alone(trial: FoldTask) -> Answer:
    """The additive half of the same fit."""
    model = trial.fitted.model
    prepared = model.prepare(trial.dataset.clients, trial.encoding, trial.pairs)
    pairing = model.additive.score(prepared.rows, prepared.clinician_index)
    return Answer(pairing, prepared.expected + pairing)


def trees_alone(trial: FoldTask) -> Answer:
    """The other half of the same fit."""
    model = trial.fitted.model
    if model.trees is None:
        raise InapplicableError("no trees are grown on so few ratings")
    prepared = model.prepare(trial.dataset.clients, trial.encoding, trial.pairs)
    pairing = model.trees.score(prepared.rows.model_columns())
    return Answer(pairing, prepared.expected + pairing)


def left_at(quantile: float | None) -> Entrant:
    """Our fit with those who left before rating entered at another quantile, or left out."""

    def refitted(trial: FoldTask) -> Answer:
        settings = FitSettings(seed=trial.seed, left_quantile=quantile)
        return ours(replace(trial, fitted=fit(trial.dataset, trial.train, settings)))

    meaning = "are left out" if quantile is None else f"enter at the {quantile:.0%} residual"
    return Entrant(refitted, f"ours, but those who left before rating {meaning}", FIT)


ENTRANTS: Mapping[str, Entrant] = {
    OURS: Entrant(ours, "the whole fit", FIT, within_fit=True),
    MIXED: Entrant(mixed_alone, "the mixed model of the same fit", FIT, within_fit=True),
    TREES: Entrant(trees_alone, "the trees of the same fit", FIT, within_fit=True),
    "ours without those who left": left_at(None),
    "ours, who left at 5 %": left_at(0.05),
    "ours, who left at 30 %": left_at(0.30),
    "ours, no product named": Entrant(
        with_products({}), "our fit with no declared product", (*FIT, *NAMED)
    ),
    "ours, the true products named": Entrant(
        with_products(TRUE_PRODUCTS),
        "our fit where supervisors named the seven products of the simulated truth",
        (*FIT, *NAMED),
    ),
    "ours from 10 practices": Entrant(
        started_from(0.0), "our fit, started from what ten practices contribute", POOLED
    ),
    "ours from 10 that differ": Entrant(
        started_from(DIFFERENCE),
        f"the same, each effect of a contributor {DIFFERENCE:.0%} larger or smaller",
        POOLED,
    ),
    "ours from 10 far apart": Entrant(
        started_from(WIDE_DIFFERENCE),
        f"the same, each effect of a contributor {WIDE_DIFFERENCE:.0%} larger or smaller",
        POOLED,
    ),
    "newcomer from 10 practices": Entrant(
        newcomer(0.0), "what ten practices contribute, no rating of the own", POOLED
    ),
    "newcomer from 10 that differ": Entrant(
        newcomer(DIFFERENCE), "the same, from practices that differ", POOLED
    ),
    "newcomer from 10 far apart": Entrant(
        newcomer(WIDE_DIFFERENCE), "the same, from practices that differ twice as much", POOLED
    ),
    TUNED: Entrant(
        tuned,
        "the study's tuned LightGBM: 4 leaves, what the client part leaves, out-of-fold records",
        (*STUDY, "experiments.bake_off.boosting"),
    ),
    SMALL: Entrant(
        regularised,
        "the same small trees on the rating itself, no records: the study's plain LightGBM",
        (*STUDY, "experiments.bake_off.boosting"),
    ),
    PLAIN: Entrant(
        guessed(plain_lightgbm),
        "LightGBM's defaults on the rating itself",
        (*ROWS, "recommender.training.baselines"),
    ),
    "GPBoost": Entrant(
        gpboost,
        "the tuned LightGBM's rows and trees with a random intercept of each clinician",
        (*STUDY, "experiments.bake_off.gpboosting"),
    ),
    "LGBMRanker by bins": Entrant(
        ranker_by_bins,
        "LambdaMART within 50 clients of much the same expected rating, 5 grades",
        (*STUDY, "experiments.bake_off.boosting"),
    ),
    "LGBMRanker by client": Entrant(
        ranker_by_client,
        "LambdaMART within clients, of whom nearly all rated once",
        (*STUDY, "experiments.bake_off.boosting"),
    ),
    "factorisation machine": Entrant(
        factorisation,
        "rank 4 products of client and clinician columns, clinician included",
        (*ROWS, "experiments.bake_off.factorisation"),
    ),
    PRIOR: Entrant(guessed(evidence_prior), "declared sizes, nothing learned", FIT),
    POPULARITY: Entrant(
        guessed(shrunken_popularity), "the clinician's record: net of the clients, shrunken", FIT
    ),
    AVERAGE: Entrant(
        guessed(clinician_average),
        "the clinician's mean rating as it is",
        (*ROWS, "recommender.training.baselines"),
    ),
    RANDOM: Entrant(guessed(at_random), "a random order", FIT),
    CEILING: Entrant(
        ByTruth(ceiling),
        "no learner: a Bayesian fit that knows the simulator's forms and learns their sizes",
        ("recommender.model.mixed.*", "experiments.bake_off.ceiling"),
    ),
}
"""Ours and its halves first, then by strength in an earlier simulation study."""
