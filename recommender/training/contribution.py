"""A practice's contribution to a pool, computed from its own tables and model."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from recommender.compute.runner import Progress
from recommender.errors import RecommenderError
from recommender.features.feature import Array
from recommender.model.additive import declared_places, match_blocks
from recommender.model.mixed.absorbed import NormalEquations, absorbed
from recommender.model.mixed.blocks import Block
from recommender.pooling.noise import (
    LARGEST_RESIDUAL,
    NoiseBudget,
    clipped_rows,
    with_noise,
)
from recommender.pooling.practice_contribution import (
    CONTRIBUTOR,
    LEAST_CLIENTS,
    LEAST_CLINICIANS,
    LEAST_RATINGS,
    MATCHES,
    SIZES,
    PracticeContribution,
    SharedColumn,
)
from recommender.pooling.shared_columns import match_digests, outcome_digest
from recommender.pooling.signature import public_text, signed
from recommender.practice.matches import Match
from recommender.training.dataset import Dataset
from recommender.training.fit_preparation import LearningRows, PreparedFit, prepare
from recommender.training.match_estimates import people_behind
from recommender.training.tree_fitting import FitSettings

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class SharingSettings:
    """What is shared, and under which name.

    Attributes
    ----------
    contributor
        The name others read; not necessarily the practice's own.
    content
        `matches` or `sizes`.
    exported_on
        A day, ISO 8601.
    epsilon, delta
        The privacy budget of the noise; without epsilon none is added.
    noise_seed
        Of the noise; drawn from the system where it is None, as it must be outside of tests: who
        knows the seed can take the noise off.
    """

    contributor: str
    content: str
    exported_on: str
    epsilon: float | None = None
    delta: float = 1e-5
    noise_seed: int | None = None

    def __post_init__(self) -> None:
        if not re.match(CONTRIBUTOR, self.contributor):
            remedy = "use 1 to 80 letters, digits, spaces and . , ' & ( ) / + -"
            raise RecommenderError("--as", "cannot name a contributor", remedy)
        if self.content not in (MATCHES, SIZES):
            raise RecommenderError("content", "is not known", f"use {MATCHES} or {SIZES}")
        if self.epsilon is None:
            return
        if self.content == SIZES:
            remedy = f"share {MATCHES} with noise, or {SIZES} without"
            raise RecommenderError("epsilon", "is for the contents `matches` alone", remedy)
        if not 0.01 <= self.epsilon <= 100 or not 0 < self.delta < 0.1:
            remedy = "give an epsilon from .01 to 100 and a delta below .1, such as 3 and .00001"
            raise RecommenderError("epsilon", "or delta is no privacy budget", remedy)


def contribution_of(
    dataset: Dataset,
    sharing: SharingSettings,
    key: Ed25519PrivateKey,
    settings: FitSettings | None = None,
    progress: Progress = lambda step, done: None,
) -> PracticeContribution:
    """What the practice's ratings say of its matches, everything else absorbed, signed.

    The client part, the variances and the residuals are those of a fit to the practice's own
    ratings alone: what it learned from others is not sent back to them.

    Raises
    ------
    RecommenderError
        With fewer ratings than are shared, or where no match has people enough behind it.
    """
    if len(dataset) < LEAST_RATINGS:
        problem = f"has {len(dataset)} rated pairings, and {LEAST_RATINGS} are needed to share"
        remedy = "wait until more clients have rated: fewer would show who was among them"
        raise RecommenderError("tables", problem, remedy)
    own = replace(settings or FitSettings(), pool=None)
    prepared = prepare(dataset, np.arange(len(dataset)), own, progress)
    progress("contribution", 0.9)
    return contribution_from_fit(prepared, sharing, key)


def contribution_from_fit(
    prepared: PreparedFit, sharing: SharingSettings, key: Ed25519PrivateKey
) -> PracticeContribution:
    """The contribution of a practice whose own fit is prepared; errors as in `contribution_of`."""
    dataset, behind = prepared.dataset, people_behind(prepared.learned)
    matches = list(dataset.practice.matches.values())
    enough = [
        place
        for place in _shareable(prepared.learned, behind)
        if sharing.epsilon is None or _is_bounded(matches[place])
    ]
    if not enough:
        problem = f"has no match with {LEAST_CLIENTS} clients and {LEAST_CLINICIANS} clinicians"
        raise RecommenderError("tables", problem, "wait until more clients have rated")
    digests = list(match_digests(dataset.practice).items())
    if sharing.epsilon is None:
        equations, noise = _equations(prepared, enough), None
    else:
        equations, noise = _noisy(prepared, enough, sharing, sharing.epsilon)
    if sharing.content == SIZES:
        equations = _diagonal(equations)
    practice = dataset.practice
    unsigned = PracticeContribution(
        contributor=sharing.contributor,
        key=public_text(key),
        practice_id=practice.id,
        practice_version=practice.version,
        practice_digest=practice.digest,
        outcome_digest=outcome_digest(practice),
        exported_on=sharing.exported_on,
        content=sharing.content,
        ratings=len(dataset),
        clients=len(np.unique(dataset.pairs.client)),
        clinicians=len(np.unique(dataset.pairs.clinician)),
        residual_variance=prepared.additive.fit.sigma2,
        columns=tuple(SharedColumn(*digests[place], *behind[place]) for place in enough),
        equations=equations,
        noise=noise,
    )
    content = {name: value for name, value in unsigned.to_json().items() if name != "signature"}
    return replace(unsigned, signature=signed(content, key)["signature"])


def first_days(dataset: Dataset) -> NDArray[np.int64]:
    """The day on which the first rated pairing of each client began, in days since 1970."""
    client, started = dataset.pairs.client, dataset.started.astype(np.int64)
    order = np.lexsort((started, client))
    _, first = np.unique(client[order], return_index=True)
    return np.asarray(started[order][first])


def last_started(dataset: Dataset) -> str:
    """The last day on which a pairing of the data set began, rated or not, ISO 8601."""
    last = max(dataset.started.max(), dataset.dropouts_started.max(initial=dataset.started.min()))
    return str(np.datetime64(int(last), "D"))


def _shareable(learned: LearningRows, behind: Sequence[tuple[int, int]]) -> list[int]:
    """The matches with people enough behind each of their numbers, products of two included."""
    enough = [
        place
        for place, (clients, clinicians) in enumerate(behind)
        if clients >= LEAST_CLIENTS and clinicians >= LEAST_CLINICIANS
    ]
    known = ~np.isnan(learned.rows.match[: learned.rated])
    client = learned.pairs.client[: learned.rated]
    answered = np.zeros((int(client.max()) + 1, known.shape[1]))
    np.maximum.at(answered, client, known.astype(np.float64))
    both = answered.T @ answered
    while enough:
        pairs = both[np.ix_(enough, enough)]
        few = (pairs < LEAST_CLIENTS).sum(axis=0)
        if not few.any():
            break
        # The match that shares the fewest clients with the most others goes.
        enough.pop(int(few.argmax()))
    return enough


def _is_bounded(match: Match) -> bool:
    """Whether it lies between -1 and 1: a product, levels by name, or values scaled by bounds."""
    operator = match.comparison
    return bool(match.parts) or operator.named or operator.ranged


def _other_blocks(prepared: PreparedFit, rows: Rows, shared: Sequence[int]) -> list[Block]:
    """Everything in the model but the shared matches; those not shared are a block of their own."""
    learned, frame = prepared.learned, prepared.additive.frame
    some, index = learned.rows.take(rows), learned.clinician_index.take(rows)
    blocks: list[Block] = [
        block for block in frame.blocks(some, index) if block.name not in ("matches", "evidence")
    ]
    declared = declared_places(prepared.dataset.practice)
    left = np.setdiff1d(np.arange(some.match.shape[1]), shared)
    return blocks + match_blocks(frame.match.apply(some.match), left, declared)


def _equations(prepared: PreparedFit, shared: Sequence[int]) -> NormalEquations:
    learned, fit = prepared.learned, prepared.additive.fit
    everyone = np.arange(len(learned.residual))
    return absorbed(
        learned.residual,
        np.nan_to_num(learned.rows.match[:, shared]),
        _other_blocks(prepared, everyone, shared),
        variances=fit.variances,
        sigma2=fit.sigma2,
        tau2=fit.tau2,
        weights=learned.weight,
        group=learned.pairs.client.astype(np.int64),
    )


def _noisy(
    prepared: PreparedFit, shared: Sequence[int], sharing: SharingSettings, epsilon: float
) -> tuple[NormalEquations, NoiseBudget]:
    """The equations of one clipped row a client, with clinicians absorbed, and noise."""
    learned, fit = prepared.learned, prepared.additive.fit
    _, first = np.unique(learned.pairs.client, return_index=True)
    linker = prepared.labels.linker
    largest = LARGEST_RESIDUAL * (linker.high - linker.low)
    clean = absorbed(
        np.clip(learned.residual[first], -largest, largest),
        clipped_rows(np.nan_to_num(learned.rows.match[first][:, shared])),
        prepared.additive.frame.index_blocks(learned.clinician_index.take(first)),
        variances=fit.variances,
        sigma2=fit.sigma2,
        tau2=0.0,
        weights=np.ones(len(first)),
        group=np.full(len(first), -1, dtype=np.int64),
    )
    return with_noise(
        clean,
        epsilon=epsilon,
        delta=sharing.delta,
        largest_residual=largest,
        least_variance=fit.sigma2,
        rng=np.random.default_rng(sharing.noise_seed),
    )


def _diagonal(equations: NormalEquations) -> NormalEquations:
    """A table of sizes and standard errors in place of the whole: each match given all others."""
    precision, score = equations.precision, equations.score
    # A match that the others determine has no size of its own; the ridge makes its error large.
    ridge = 1e-9 * float(np.trace(precision)) / len(score)
    inverse = np.linalg.inv(precision + ridge * np.eye(len(score)))
    own: Array = 1 / np.diagonal(inverse)
    return NormalEquations(np.diag(own), own * (inverse @ score))
