"""A model without any rating: declared effect sizes, and what other practices contributed.

An `AllianceModel` like a trained one; only the mode in its manifest differs.
"""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from recommender.alliance.linking import InstrumentLinker
from recommender.features.feature import Array, clinician_features
from recommender.features.history import HistoryRecords
from recommender.features.pipeline import fit_pipeline
from recommender.model.additive import (
    DRAWS,
    EXPECTED,
    UNSURE_EVIDENCE,
    Additive,
    DesignSpec,
    SlopePrior,
)
from recommender.model.alliance_model import (
    EVIDENCE_PRIOR,
    POOLED_PRIOR,
    AllianceModel,
    LearnedFrom,
    Manifest,
    PredictionInterval,
)
from recommender.model.interactions import Standardizer
from recommender.model.mixed.fitted import MixedFit
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice

USUAL_MEAN, USUAL_SD = 0.75, 0.18
"""POMP of early alliance where the reference instrument states none: seven samples of clients in
internet therapy had means of .74 to .84 and SDs of .13 to .21 on the WAI (PMC8521857, table 3)."""


def evidence_model(
    practice: Practice,
    clinicians: Columns,
    clinician_ids: Sequence[str],
    *,
    data_digest: str,
    created_at: str,
    seed: int = 0,
    informed: SlopePrior | None = None,
    learned_from: tuple[LearnedFrom, ...] = (),
) -> AllianceModel:
    """A model of the declared effect sizes; the client part is the mean of the instrument.

    With `informed` its slopes are those that other practices' contributions give, and
    `learned_from` says whose they are; its mode is then `pooled_prior`. Its interval is that of a
    normal distribution around the mean. `AllianceModel` has an example.
    """
    settings = practice.alliance
    linker = InstrumentLinker.declared(practice.instruments, settings.reference, settings.metric)
    mean, interval = usual_level(practice)
    pipeline = fit_pipeline(practice, clinicians, np.random.default_rng(seed))
    count = len(clinician_ids)
    half = interval * NormalDist().inv_cdf(0.5 + settings.interval / 2)
    return AllianceModel(
        manifest=Manifest(
            mode=EVIDENCE_PRIOR if informed is None else POOLED_PRIOR,
            created_at=created_at,
            practice_id=practice.id,
            practice_version=practice.version,
            practice_digest=practice.digest,
            data_digest=data_digest,
            ratings=0,
            pairings=0,
            left_unrated=0,
            first_day=None,
            last_day=None,
            known_until=None,
            seed=seed,
            features=tuple(feature.name for feature in pipeline.features),
            learned_from=learned_from,
        ),
        pipeline=pipeline,
        linker=linker,
        client_trees=None,
        client_mean=mean,
        client_tree_weight=0.0,
        additive=_declared(practice, interval, count, seed, informed),
        trees=None,
        tree_weight=0.0,
        survivor_offset=0.0,
        records=HistoryRecords(
            np.zeros(count), np.zeros(count), *_nothing_by_level(practice, count)
        ),
        clinician_ids=tuple(clinician_ids),
        interval=PredictionInterval(-half, half),
    )


def usual_level(practice: Practice) -> tuple[float, float]:
    """Mean and standard deviation of alliance without ratings, in points of the reference scale."""
    form = practice.reference
    low, high = form.bounds(practice.alliance.metric)
    mean = USUAL_MEAN if form.reference_mean is None else form.reference_mean
    interval = USUAL_SD if form.reference_sd is None else form.reference_sd
    return low + (high - low) * mean, (high - low) * interval


def _declared(
    practice: Practice, interval: float, clinicians: int, seed: int, informed: SlopePrior | None
) -> Additive:
    attributes, matches = len(clinician_features(practice)), len(practice.matches)
    prior = interval * np.array([match.prior for match in practice.matches.values()])
    frame = DesignSpec(_as_it_is(attributes), _as_it_is(matches), prior, clinicians, 0, {})
    coefficients = {
        "clinician": np.zeros(attributes),
        "matches": np.zeros(matches) if informed is None else informed.mean - prior,
        "clinicians": np.zeros(clinicians),
    }
    if prior.any():
        coefficients["evidence"] = np.ones(1)
    variances = dict.fromkeys(coefficients, 0.0)
    variances["clinicians"] = EXPECTED["clinicians"] * interval**2
    if prior.any() and informed is None:
        variances["evidence"] = UNSURE_EVIDENCE**2
    nobody = np.zeros(0, dtype=np.int64)
    fit = MixedFit(
        names=tuple(coefficients),
        coefficients=coefficients,
        variances=variances,
        degrees=dict.fromkeys(coefficients, 0.0),
        intercept=0.0,
        sigma2=interval**2,
        tau2=0.0,
        client_codes=nobody,
        client_effects=np.zeros(0),
        iterations=0,
        converged=True,
        log_evidence=0.0,
    )
    rng = np.random.default_rng(seed)
    draws = {
        name: (np.sqrt(variances[name]) * rng.standard_normal((len(mean), DRAWS))).astype(
            np.float32
        )
        for name, mean in coefficients.items()
    }
    if informed is not None:
        drawn = informed.root @ rng.standard_normal((matches, DRAWS))
        draws["matches"] = drawn.astype(np.float32)
    return Additive(frame, fit, draws)


def _as_it_is(columns: int) -> Standardizer:
    return Standardizer(np.zeros(columns), np.ones(columns))


def _nothing_by_level(practice: Practice, clinicians: int) -> tuple[Array, Array]:
    per = practice.history.per
    levels = 0 if per is None else len(practice.client[per].levels)
    return np.zeros((clinicians, levels)), np.zeros((clinicians, levels))
