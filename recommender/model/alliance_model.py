"""The alliance model: what a client would rate an average clinician, plus the pairing part.

Predictions need this module and a bundle, no training code and no mlflow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from recommender.alliance.linking import InstrumentLinker
from recommender.features.client_levels import codes_of_tags
from recommender.features.feature import Array, Feature
from recommender.features.history import HistoryRecords
from recommender.features.pipeline import Pairs, Pipeline, Places, Rows
from recommender.model.additive import Additive, ClinicianIndex, Drawn
from recommender.model.evaluation_report import EvaluationReport
from recommender.model.trees.ensemble import Trees
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.sums import known_mean
from recommender.tables.pairing_frame import read_pairing_frame
from recommender.tables.roster import Roster

Flags = NDArray[np.bool_]

MODEL, EVIDENCE_PRIOR, POOLED_PRIOR = "model", "evidence_prior", "pooled_prior"
PRIORS = (EVIDENCE_PRIOR, POOLED_PRIOR)
"""Modes of models that learned from no rating of their own practice."""
NAME = "alliance"
"""Name of the model in the registry and in responses."""


@dataclass(frozen=True, slots=True)
class LearnedFrom:
    """A contribution of another practice that a model started from.

    `contributor` is the name it chose, `digest` names the contribution, `share` is its part of
    what all contributions say together.
    """

    contributor: str
    digest: str
    ratings: int
    clients: int
    share: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model was trained on; names no person.

    `mode` is `model`, or without any rating `evidence_prior` for the declared effect sizes and
    `pooled_prior` for those and other practices' contributions, which `learned_from` lists.
    `first_day` and `last_day` are of the starts of pairings, `known_until` is the last day on which
    a rating became known; only later pairings are held out. `left_unrated` pairings ended before a
    rating and count as low. `features` are the model columns in their order; times are UTC, ISO
    8601.
    """

    mode: str
    created_at: str
    practice_id: str
    practice_version: str
    practice_digest: str
    data_digest: str
    ratings: int
    pairings: int
    left_unrated: int
    first_day: str | None
    last_day: str | None
    known_until: str | None
    seed: int
    features: tuple[str, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    learned_from: tuple[LearnedFrom, ...] = ()

    @property
    def contributors(self) -> tuple[str, ...]:
        """The names of the practices whose contributions it started from."""
        return tuple(each.contributor for each in self.learned_from)


SD_INFLATION = 1.4
"""Factor on the posterior standard deviation of a difference: a posterior assumes that its model is
right. With it stated probabilities are about calibrated on simulated practices
(`python -m experiments.tie_calibration`)."""


@dataclass(frozen=True, slots=True)
class PredictionInterval:
    """Ends of the interval around a prediction, in points: quantiles of out-of-fold errors."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RosterEncoding:
    """A roster with the index of each clinician in a model, -1 for one it never saw."""

    roster: Roster
    clinician: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PairScores:
    """Predicted alliance of n pairings, in points of the reference scale, unclipped.

    `client` is what the client would rate an average clinician, `pairing` what this clinician adds
    for this client; the order of a shortlist follows `pairing` alone. Both are (n,).
    """

    client: Array
    pairing: Array

    @property
    def alliance(self) -> Array:
        """Predicted rating if the client stays until the rated session, (n,)."""
        return self.client + self.pairing

    def take(self, places: Places) -> "PairScores":
        """Some of the pairings, in the order given."""
        return PairScores(self.client[places], self.pairing[places])

    @classmethod
    def concatenate(cls, some: "Sequence[PairScores]") -> "PairScores":
        """The pairings of several one after another; at least one is needed."""
        client = np.concatenate([each.client for each in some])
        return cls(client, np.concatenate([each.pairing for each in some]))


@dataclass(frozen=True, slots=True)
class PreparedPairs:
    """Feature rows of pairings and the parts that scoring and explaining share.

    `expected` (n,) is the client part, `added` (n, columns + 1) the contributions of the additive
    half.
    """

    rows: Rows
    clinician_index: ClinicianIndex
    expected: Array
    added: Array


@dataclass(frozen=True, slots=True, eq=False)
class AverageContributions:
    """The average of some clinicians, with whom one of them is compared.

    Attributes
    ----------
    values : (features,)
        The mean of their contributions, in points.
    matches : (matches,)
        The mean of each match, not centred, over those of whom it is known; NaN where of nobody.
    """

    values: Array
    matches: Array


@dataclass(frozen=True, slots=True)
class Contributions:
    """Signed parts of predicted alliance, in points.

    Attributes
    ----------
    features
        What each column is.
    values : (n, features)
    start : (n,)
        The client part and the averages of the models.
    raw : (n, features)
        The feature values, matches not centred; for the words of an explanation.
    """

    features: tuple[Feature, ...]
    values: Array
    start: Array
    raw: Array

    @property
    def matches(self) -> slice:
        """The columns that are matches, which follow one another in the order of the definition."""
        places = [n for n, feature in enumerate(self.features) if feature.name.startswith("match.")]
        return slice(places[0], places[-1] + 1) if places else slice(0)

    @property
    def average(self) -> AverageContributions:
        """The average of all rows."""
        matches = known_mean(self.raw[:, self.matches], axis=0)
        return AverageContributions(self.values.mean(axis=0), matches)

    def take(self, rows: Places) -> "Contributions":
        """Some of the rows, in the order given."""
        return Contributions(self.features, self.values[rows], self.start[rows], self.raw[rows])


@dataclass(frozen=True, slots=True)
class AllianceModel:
    """A fitted model.

    Attributes
    ----------
    manifest, pipeline, linker
        What it was trained on, how feature rows are computed, and the reference scale.
    client_trees, client_mean, client_tree_weight
        The client part: `mean + weight * (trees - mean)`.
    additive, trees, tree_weight
        The two estimates of the pairing part and the weight of the trees in their average.
    survivor_offset
        What clients who reach the rated session rate above the level learned together with those
        who left before it, in points.
    records, clinician_ids
        The clinicians it learned from and their records.
    interval
        The interval around a prediction.
    report
        Figures measured on held-out pairings at training; empty when there were none.

    Examples
    --------
    A model of the declared sizes alone; `load_bundle` gives a trained one.

    >>> from datetime import UTC, datetime
    >>> from recommender.model.evidence_prior import evidence_model
    >>> from recommender.practice.columns import read_rows
    >>> from recommender.practice.definition import shipped_practice
    >>> from recommender.tables.roster import snapshot
    >>> practice = shipped_practice()
    >>> cells = [{"modalities": ["cbt"]}, {"modalities": ["emdr"]}]
    >>> clinicians = read_rows(practice.clinician, cells)
    >>> model = evidence_model(practice, clinicians, ["k1", "k2"], data_digest="", created_at="")
    >>> now = datetime(2026, 11, 28, tzinfo=UTC)
    >>> roster = snapshot(["k1", "k2"], [None, None], clinicians, now)
    >>> asked = practice.fields("client", "score", "filter")
    >>> client = read_rows(asked, [{"age_years": 34, "modalities_wanted": ["cbt"]}])
    >>> encoding = model.encode_roster(roster)
    >>> scores = model.score(client, encoding)
    >>> bool(scores.alliance[0] > scores.alliance[1])
    True
    >>> parts = model.contributions(client, encoding, Pairs.of_one(2))
    >>> bool(np.allclose(parts.start + parts.values.sum(axis=1), scores.alliance))
    True
    """

    manifest: Manifest
    pipeline: Pipeline
    linker: InstrumentLinker
    client_trees: Trees | None
    client_mean: float
    client_tree_weight: float
    additive: Additive
    trees: Trees | None
    tree_weight: float
    survivor_offset: float
    records: HistoryRecords
    clinician_ids: tuple[str, ...]
    interval: PredictionInterval
    report: EvaluationReport = field(default_factory=EvaluationReport)

    @property
    def practice(self) -> Practice:
        """The definition the model learned with."""
        return self.pipeline.practice

    def encode_roster(self, roster: Roster) -> RosterEncoding:
        """The roster with this model's index of each clinician; unknown ones have no record."""
        place = {clinician_id: code for code, clinician_id in enumerate(self.clinician_ids)}
        codes = [place.get(clinician_id, -1) for clinician_id in roster.ids]
        return RosterEncoding(roster, np.array(codes, dtype=np.int64))

    def score(
        self, clients: Columns, encoding: RosterEncoding, pairs: Pairs | None = None
    ) -> PairScores:
        """Scores of pairings, in points.

        Parameters
        ----------
        clients
            Encoded answers, one row a client.
        encoding
            From `encode_roster`.
        pairs
            Which client meets which clinician; None is the first client with the whole roster.
        """
        pairs = Pairs.of_one(len(encoding.roster)) if pairs is None else pairs
        return self.score_of(self.prepare(clients, encoding, pairs))

    def score_of(self, prepared: PreparedPairs) -> PairScores:
        """Scores of prepared pairings."""
        pairing = (1 - self.tree_weight) * prepared.added.sum(axis=1)
        if self.trees is not None and self.tree_weight:
            pairing = pairing + self.tree_weight * self.trees.score(prepared.rows.model_columns())
        return PairScores(prepared.expected, pairing + self.survivor_offset)

    def ahead(
        self, prepared: PreparedPairs, one: Places, other: Places, scores: PairScores | None = None
    ) -> Array:
        """Probability that the expected alliance of one pairing is above that of another, (m,).

        By the posterior of the mixed model, its standard deviation times `SD_INFLATION`: about
        two expectations, not about single ratings. One half where both are equal.

        Parameters
        ----------
        prepared
            n pairings, a few hundred at most.
        one, other : (m,) int
            Indices among them.
        scores
            Of all n, where they are known already.
        """
        scores = self.score_of(prepared) if scores is None else scores
        lead = scores.pairing[one] - scores.pairing[other]
        some, places = np.unique([one, other], return_inverse=True)
        clinician_index = prepared.clinician_index.take(some)
        drawn = self.additive.deviations(prepared.rows.take(some), clinician_index)
        unknown = np.where(clinician_index.clinician < 0, self.additive.unknown, 0.0)
        return probability_ahead(lead, drawn, unknown, *places.reshape(2, -1))

    def prepare(self, clients: Columns, encoding: RosterEncoding, pairs: Pairs) -> PreparedPairs:
        """Feature rows and client parts of pairings, for `score_of` and `contributions_of`."""
        rows, clinician_index = self.rows(clients, encoding, pairs)
        expected = self.client_part(self.pipeline.client_rows(clients))[pairs.client]
        return PreparedPairs(
            rows, clinician_index, expected, self.additive.contributions(rows, clinician_index)
        )

    def rows(
        self, clients: Columns, encoding: RosterEncoding, pairs: Pairs
    ) -> tuple[Rows, ClinicianIndex]:
        """Feature rows and clinician indices of pairings, with the records of the training data."""
        clinician_index = self.clinician_index(clients, encoding, pairs)
        history = self.records.rows(clinician_index.clinician, clinician_index.level)
        return self.pipeline.rows(clients, encoding.roster.columns, pairs, history), clinician_index

    def clinician_index(
        self, clients: Columns, encoding: RosterEncoding, pairs: Pairs
    ) -> ClinicianIndex:
        """The clinician and the client level of each pairing."""
        level = levels_of(self.practice, clients)[pairs.client]
        return ClinicianIndex(encoding.clinician[pairs.clinician], level)

    def contributions(
        self, clients: Columns, encoding: RosterEncoding, pairs: Pairs
    ) -> Contributions:
        """Signed parts of predictions; `start + values.sum(axis=1)` is the predicted alliance."""
        return self.contributions_of(self.prepare(clients, encoding, pairs))

    def contributions_of(self, prepared: PreparedPairs) -> Contributions:
        """Signed parts of the predictions of prepared pairings."""
        rows = prepared.rows
        added = (1 - self.tree_weight) * prepared.added
        grown = np.zeros((len(added), len(self.pipeline.features) + 1))
        if self.trees is not None and self.tree_weight:
            grown = self.tree_weight * self.trees.contributions(rows.model_columns())
        width = rows.client.shape[1]
        values = grown[:, :-1].copy()
        values[:, width:] += added[:, :-1]
        start = prepared.expected + added[:, -1] + grown[:, -1] + self.survivor_offset
        raw = np.concatenate([rows.client, rows.clinician, rows.raw, rows.history], axis=1)
        return Contributions(self.pipeline.features, values, start, raw)

    def predict_table(self, table: pd.DataFrame) -> pd.DataFrame:
        """Predicted alliance and its interval for rows of raw cells, one pairing a row.

        Parameters
        ----------
        table
            As `read_pairing_frame` reads it: columns `client.<field>`, `clinician.<field>` as in
            the practice's own tables, and `clinician_id`; of any type that `read_csv` gives.
            Columns may be permuted apart: an hour in a room that its row does not list counts as
            not known, and so does one by a way of meeting that its row does not list.

        Raises
        ------
        IntakeError
            With every cell that cannot be read.
        """
        rows = read_pairing_frame(table, self.practice, self.clinician_ids, permuted=True)
        place = {clinician_id: code for code, clinician_id in enumerate(self.clinician_ids)}
        codes = np.array([place.get(c, -1) for c in rows.clinician_ids], dtype=np.int64)
        everyone = np.arange(len(rows))
        roster = Roster(rows.clinician_ids, (), rows.clinician, "", _NEVER)
        scores = self.score(rows.client, RosterEncoding(roster, codes), Pairs(everyone, everyone))
        low, high = self.interval_of(scores)
        displayed = (self.linker.to_displayed(part) for part in (scores.alliance, low, high))
        columns = ("predicted_alliance", "lower", "upper")
        return pd.DataFrame(dict(zip(columns, displayed, strict=True)), index=table.index)

    def interval_of(self, scores: PairScores) -> tuple[Array, Array]:
        """Ends of the interval of each prediction, in points, unclipped."""
        return scores.alliance + self.interval.low, scores.alliance + self.interval.high

    def client_part(self, client_rows: Array) -> Array:
        """What each client would rate an average clinician, in points, (clients,)."""
        if self.client_trees is None:
            return np.full(len(client_rows), self.client_mean)
        apart = self.client_trees.score(client_rows) - self.client_mean
        return self.client_mean + self.client_tree_weight * apart


def probability_ahead(
    lead: Array, drawn: Drawn, unknown: Array, one: Places, other: Places
) -> Array:
    """Probability that the expectation of one pairing is above that of another, (..., p).

    Parameters
    ----------
    lead : (..., p)
        Points by which the one is ahead of the other.
    drawn : (..., n, draws)
        Deviations of n pairings from their expectations.
    unknown : (..., n)
        Variance that is not drawn.
    one, other : (p,) int
        Indices among the n.
    """
    return _ahead(lead, lead_doubt(drawn, unknown, one, other))


def probabilities_among(pairing: Array, drawn: Drawn, unknown: Array) -> Array:
    """`probability_ahead` of n pairings before each other, (..., n, n), from their pairing parts.

    One half of a pairing before itself.
    """
    own, shared = _variances(drawn, unknown)
    doubt = _doubt(own[..., :, None], own[..., None, :], shared)
    leads = _ahead(pairing[..., :, None] - pairing[..., None, :], doubt)
    later, same = _later_and_same(pairing.shape[-1])
    # The digits of one before the other are those of the other before the one.
    leads = np.where(later, leads, 1 - leads.swapaxes(-1, -2))
    return np.where(same, 0.5, leads)


@lru_cache
def _later_and_same(count: int) -> tuple[Flags, Flags]:
    """Whether the column is behind the row, and whether it is the row's own, (count, count)."""
    later = np.triu(np.ones((count, count), dtype=np.bool_), 1)
    return later, np.eye(count, dtype=np.bool_)


def lead_doubt(drawn: Drawn, unknown: Array, one: Places, other: Places) -> Array:
    """Standard deviation, in points, of what one pairing is ahead of another, (..., p).

    The parameters are those of `probability_ahead`.
    """
    own, shared = _variances(drawn, unknown)
    return _doubt(own[..., one], own[..., other], shared[..., one, other])


def _variances(drawn: Drawn, unknown: Array) -> tuple[Array, Array]:
    """The variance of n pairings, (..., n), and what of it they share, (..., n, n)."""
    exact = drawn.astype(np.float64)
    shared = exact @ exact.swapaxes(-1, -2) / exact.shape[-1]
    return shared.diagonal(axis1=-2, axis2=-1) + unknown, shared


def _doubt(one: Array, other: Array, shared: Array) -> Array:
    # For two equal rows only rounding is left, which may be negative.
    return np.asarray(SD_INFLATION * np.sqrt(np.maximum(one + other - 2 * shared, 0.0)))


def _ahead(lead: Array, doubt: Array) -> Array:
    """The probability of a lead, in points, of which one is in doubt."""
    sure = np.where(lead > 0, np.inf, np.where(lead < 0, -np.inf, 0.0))
    return np.asarray(ndtr(np.divide(lead, doubt, out=sure, where=doubt > 0)))


def levels_of(practice: Practice, clients: Columns) -> NDArray[np.int64]:
    """The client's level that records distinguish, (clients,); -1 where unknown or not declared.

    Of tags several, (clients, levels); see `features.client_levels`.
    """
    per = practice.history.per
    if per is None:
        return np.full(clients.size, -1, dtype=np.int64)
    level = clients[per]
    if practice.client[per].kind == "tags":
        return codes_of_tags(level)
    return np.where(np.isnan(level), -1.0, level).astype(np.int64)


_NEVER = pd.Timestamp(0, tz="UTC").to_pydatetime()
