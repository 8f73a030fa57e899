"""The alliance model: what this client would rate an average clinician, plus what is theirs alone.

Everything a prediction needs stands here and in the bundle it is read from; no training code, no
mlflow. Imported by `explanation`, `recommend`, `registry` and `training`.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from recommender.alliance.linking import InstrumentLinker
from recommender.errors import Fault, IntakeError
from recommender.features.feature import Array, Feature
from recommender.features.history import HistoryRecords
from recommender.features.pipeline import Pairs, Pipeline, Places, Rows
from recommender.model.additive import Additive, ClinicianIndex
from recommender.model.evaluation_report import EvaluationReport
from recommender.model.manifest import Manifest
from recommender.model.trees.ensemble import Trees
from recommender.practice.columns import Columns, read_rows
from recommender.practice.definition import Practice
from recommender.practice.fields import Side
from recommender.tables.roster import Roster
from recommender.values.kinds import RawValue

SD_INFLATION = 1.4
"""How much wider than its posterior the doubt about a difference is: a posterior believes its
model, and no model holds all that makes two people get on. With it, what is said of simulated
practices is about what is true (`python -m experiments.tie_calibration`)."""
SIDES: tuple[Side, Side] = ("client", "clinician")


@dataclass(frozen=True, slots=True)
class PredictionInterval:
    """How far ratings fell from predictions out of fold: the range's ends, in points."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RosterEncoding:
    """What a model knows of each clinician of a roster before any request comes."""

    roster: Roster
    clinician: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PairScores:
    """Predicted alliance of n pairings, in points of the reference scale, unclipped.

    Attributes
    ----------
    client : (n,)
        What the client would rate an average clinician.
    pairing : (n,)
        What is particular to this clinician for this client; the order follows it alone.
    """

    client: Array
    pairing: Array

    @property
    def alliance(self) -> Array:
        """If the rated session is reached."""
        return self.client + self.pairing

    def take(self, places: Places) -> "PairScores":
        """Some of the pairings, in the order given."""
        return PairScores(self.client[places], self.pairing[places])


@dataclass(frozen=True, slots=True)
class PreparedPairs:
    """Pairings made ready, so that scoring and explaining share what they stand on.

    Attributes
    ----------
    rows, clinician_index
        Feature rows, and who they are about.
    expected : (n,)
        The client part.
    added : (n, columns + 1)
        Contributions of the additive half.
    """

    rows: Rows
    clinician_index: ClinicianIndex
    expected: Array
    added: Array

    def take(self, places: Places) -> "PreparedPairs":
        """Some of the pairings, in the order given."""
        return PreparedPairs(
            self.rows.take(places),
            self.clinician_index.take(places),
            self.expected[places],
            self.added[places],
        )


@dataclass(frozen=True, slots=True)
class Contributions:
    """Signed parts of predicted alliance, in points.

    Attributes
    ----------
    features
        What each column is.
    values : (n, features)
    start : (n,)
        What a row starts from: the client part and the models' averages.
    raw : (n, features)
        The feature values themselves, matches not centred; for words.
    """

    features: tuple[Feature, ...]
    values: Array
    start: Array
    raw: Array


@dataclass(frozen=True, slots=True)
class AllianceModel:
    """A fitted model.

    Attributes
    ----------
    manifest, pipeline, linker
        What it is, how rows are made, how points are said.
    client_trees, client_mean, client_share
        The client part: the mean, and a share of how far the trees are from it.
    additive, trees, share
        The two estimates of the pairing part and the share of the trees in their mean.
    stays
        What those who reach the rated session say above the level learned together with those who
        left before it, in points.
    records, clinician_ids
        Clinicians it learned from and their records.
    interval
        The stated range around a prediction.
    report
        What was measured on held-out pairings when it was trained; empty when nothing was.
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
        """The roster's clinicians as this model knows them; unknown ones have no record."""
        place = {clinician_id: code for code, clinician_id in enumerate(self.clinician_ids)}
        codes = [place.get(clinician_id, -1) for clinician_id in roster.ids]
        return RosterEncoding(roster, np.array(codes, dtype=np.int64))

    def score(
        self, clients: Columns, encoding: RosterEncoding, pairs: Pairs | None = None
    ) -> PairScores:
        """Scores of pairings: one client with the whole roster when no pairs are given."""
        pairs = Pairs.of_one(len(encoding.roster)) if pairs is None else pairs
        return self.score_of(self.prepare(clients, encoding, pairs))

    def score_of(self, prepared: PreparedPairs) -> PairScores:
        """Scores of pairings made ready."""
        pairing = (1 - self.tree_weight) * prepared.added.sum(axis=1)
        if self.trees is not None and self.tree_weight:
            pairing = pairing + self.tree_weight * self.trees.score(prepared.rows.model_columns())
        return PairScores(prepared.expected, pairing + self.survivor_offset)

    def ahead(
        self, prepared: PreparedPairs, one: Places, other: Places, scores: PairScores | None = None
    ) -> Array:
        """Probability that each of some pairings has the higher predicted alliance than another.

        By the posterior of the mixed model, widened by `WIDER`: how sure we are of the two
        expectations, not of what one client will say of them. Half where both are the same.

        Parameters
        ----------
        prepared
            Pairings, n; a few hundred at most are held against each other at once.
        one, other : (m,) int
            Places among them.
        scores
            Of all of them, where they are known already.
        """
        scores = self.score_of(prepared) if scores is None else scores
        lead = scores.pairing[one] - scores.pairing[other]
        some, places = np.unique([one, other], return_inverse=True)
        clinician_index = prepared.clinician_index.take(some)
        drawn = self.additive.deviations(prepared.rows.take(some), clinician_index).astype(
            np.float64
        )
        strangers = np.where(clinician_index.clinician < 0, self.additive.unknown, 0.0)
        shared = drawn @ drawn.T / drawn.shape[1] + np.diag(strangers)
        first, second = places.reshape(2, -1)
        variance = shared[first, first] + shared[second, second] - 2 * shared[first, second]
        # Of two alike nothing may be left but rounding, on either side of 0.
        variance = np.maximum(variance, 0.0)
        doubt = SD_INFLATION * np.sqrt(variance)
        sure = np.where(lead > 0, np.inf, np.where(lead < 0, -np.inf, 0.0))
        return np.asarray(ndtr(np.divide(lead, doubt, out=sure, where=doubt > 0)))

    def prepare(self, clients: Columns, encoding: RosterEncoding, pairs: Pairs) -> PreparedPairs:
        """Pairings made ready, so that scoring and explaining share their rows."""
        rows, clinician_index = self.rows(clients, encoding, pairs)
        expected = self._client_part(clients)[pairs.client]
        return PreparedPairs(
            rows, clinician_index, expected, self.additive.contributions(rows, clinician_index)
        )

    def rows(
        self, clients: Columns, encoding: RosterEncoding, pairs: Pairs
    ) -> tuple[Rows, ClinicianIndex]:
        """Feature rows and seats of pairings, with records as they stood when the model learned."""
        clinician_index = self.clinician_index(clients, encoding, pairs)
        history = self.records.rows(clinician_index.clinician, clinician_index.level)
        return self.pipeline.rows(clients, encoding.roster.columns, pairs, history), clinician_index

    def clinician_index(
        self, clients: Columns, encoding: RosterEncoding, pairs: Pairs
    ) -> ClinicianIndex:
        """Which clinician and which client level each pairing is about."""
        level = levels_of(self.practice, clients)[pairs.client]
        return ClinicianIndex(encoding.clinician[pairs.clinician], level)

    def contributions(
        self, clients: Columns, encoding: RosterEncoding, pairs: Pairs
    ) -> Contributions:
        """Parts of each prediction; `start + values.sum(axis=1)` is the predicted alliance."""
        return self.contributions_of(self.prepare(clients, encoding, pairs))

    def contributions_of(self, prepared: PreparedPairs) -> Contributions:
        """Parts of the predictions of pairings made ready."""
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
        """Predicted alliance and its range for rows of raw cells, one pairing a row.

        Parameters
        ----------
        table
            Columns `client.<field>`, `clinician.<field>` as in the practice's own tables, and
            `clinician_id`.

        Raises
        ------
        IntakeError
            With every cell that cannot be read.
        """
        if "clinician_id" not in table.columns:
            raise IntakeError([Fault("clinician_id", "is not given", "add the column")])
        sides = {
            side: read_rows(self.practice.fields(side, "score", "filter"), named_cells(table, side))
            for side in SIDES
        }
        place = {clinician_id: code for code, clinician_id in enumerate(self.clinician_ids)}
        codes = np.array([place.get(c, -1) for c in table["clinician_id"]], dtype=np.int64)
        everyone = np.arange(len(table))
        roster = Roster(tuple(table["clinician_id"]), (), sides["clinician"], "", _NEVER)
        scores = self.score(
            sides["client"], RosterEncoding(roster, codes), Pairs(everyone, everyone)
        )
        low, high = self.interval_of(scores)
        said = (self.linker.to_displayed(part) for part in (scores.alliance, low, high))
        columns = ("predicted_alliance", "lower", "upper")
        return pd.DataFrame(dict(zip(columns, said, strict=True)), index=table.index)

    def interval_of(self, scores: PairScores) -> tuple[Array, Array]:
        """Ends of the stated range of each prediction, in points, unclipped."""
        return scores.alliance + self.interval.low, scores.alliance + self.interval.high

    def _client_part(self, clients: Columns) -> Array:
        if self.client_trees is None:
            return np.full(clients.size, self.client_mean)
        apart = self.client_trees.score(self.pipeline.client_rows(clients)) - self.client_mean
        return self.client_mean + self.client_tree_weight * apart


def named_cells(table: pd.DataFrame, side: Side) -> list[dict[str, RawValue]]:
    """Cells of `<side>.<field>` columns by field, a mapping a row; empty ones without columns."""
    prefix = f"{side}."
    names = [name for name in table.columns if str(name).startswith(prefix)]
    cells = [table[name].tolist() for name in names]
    fields = [name.removeprefix(prefix) for name in names]
    return [{f: c[row] for f, c in zip(fields, cells, strict=True)} for row in range(len(table))]


def levels_of(practice: Practice, clients: Columns) -> NDArray[np.int64]:
    """The client's level by which records are kept, (clients,); -1 when not answered or kept."""
    if practice.history.per is None:
        return np.full(clients.size, -1, dtype=np.int64)
    return np.asarray(np.nan_to_num(clients[practice.history.per], nan=-1.0), dtype=np.int64)


_NEVER = pd.Timestamp(0, tz="UTC").to_pydatetime()
