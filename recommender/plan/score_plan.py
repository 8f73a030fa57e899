"""Scores of clients with the clinicians of a roster, from what model and roster decide beforehand.

The row-wise path of `AllianceModel` computes the same for training and evaluation; here the part
of each clinician is computed once, and a request adds what depends on its client.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import (
    AllianceModel,
    PairScores,
    RosterEncoding,
    levels_of,
)
from recommender.model.trees.tables import Ways, in_chunks
from recommender.plan.answers import AnswerReader, Answers
from recommender.plan.clients import ClientTerms
from recommender.plan.clinicians import ClinicianTerms
from recommender.plan.matches import CompiledMatches
from recommender.plan.tag_levels import effect_of_tags, history_of_tags
from recommender.plan.trees import CompiledTrees
from recommender.practice.columns import Columns

Places = NDArray[np.intp]
BLOCK_PAIRS = 1_024
"""Pairs that are scored at once, of one client or of several: their arrays stay in the caches."""
PASS_PAIRS = 6_000
"""Pairs of several clients whose matches are computed at once: fewer take more calls, and the
arrays of more, some megabytes, do not stay in the caches of a processor."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPairs:
    """n pairs of a client and a clinician of the roster, scored.

    Attributes
    ----------
    plan
        The plan that scored them.
    clients
        The clients, by row.
    client, clinician : (n,) int
        The client and the place on the roster of each pair.
    raw : (matches, n)
        The matches, not centred within the client.
    usual : (matches, C)
        Their means over the panel, by which they are centred.
    ways : (trees, n)
        The way of each pair through the trees; None where no tree is looked up.
    scores
        The predictions.
    """

    plan: "ScorePlan"
    clients: ClientTerms
    client: Places
    clinician: Places
    raw: Array
    usual: Array
    ways: Ways | None
    scores: PairScores

    def __len__(self) -> int:
        return len(self.clinician)

    @property
    def match(self) -> Array:
        """The matches, centred within the client, (matches, n)."""
        return self.plan.centred(self.clients, self.client, self.raw, self.usual)

    @property
    def history(self) -> Array:
        """The columns of the clinicians' records, (columns, n)."""
        return self.plan.history(self.clients, self.client, self.clinician)

    @property
    def added(self) -> Array:
        """Contributions of the additive half, as `Additive.contributions` gives them.

        (n, clinician + match + history columns + 1), computed anew: they are several times as large
        as the scores, and few are read.
        """
        return self.plan.added(self.clients, self.client, self.clinician, self.match)

    def part(self, start: int, stop: int) -> "ScoredPairs":
        """Pairs that follow one another, without a copy."""
        if (start, stop) == (0, len(self)):
            return self
        some = slice(start, stop)
        return ScoredPairs(
            self.plan,
            self.clients,
            self.client[some],
            self.clinician[some],
            self.raw[:, some],
            self.usual,
            None if self.ways is None else self.ways[:, some],
            PairScores(self.scores.client[some], self.scores.pairing[some]),
        )

    def take(self, rows: Places) -> "ScoredPairs":
        """Some of the pairs, in the order given."""
        return ScoredPairs(
            self.plan,
            self.clients,
            self.client.take(rows),
            self.clinician.take(rows),
            self.raw.take(rows, axis=1),
            self.usual,
            None if self.ways is None else self.ways.take(rows, axis=1),
            self.scores.take(rows),
        )

    def followed_by(self, other: "ScoredPairs") -> "ScoredPairs":
        """These pairs and then others of the same plan."""
        ways = None
        if self.ways is not None and other.ways is not None:
            ways = np.concatenate([self.ways, other.ways], axis=1)
        return ScoredPairs(
            self.plan,
            self.clients.followed_by(other.clients),
            np.concatenate([self.client, other.client + len(self.clients.level)]),
            np.concatenate([self.clinician, other.clinician]),
            np.concatenate([self.raw, other.raw], axis=1),
            np.concatenate([self.usual, other.usual], axis=1),
            ways,
            PairScores.concatenate([self.scores, other.scores]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class ScorePlan:
    """What a model and a roster of n clinicians decide of every score.

    Attributes
    ----------
    model
        The model.
    answers
        Reads the answers of clients: their columns of the model, then what matches read.
    client_columns
        How many columns of the model are of clients.
    clinicians
        The terms of the clinicians.
    matches
        The matches with the roster's clinicians and, behind them, those of the panel.
    trees
        The trees of the pairing part; None where they have no weight or no table.
    product_weights : by block (p, q)
        Points for one unit of a client's column times one of a clinician's.
    """

    model: AllianceModel
    answers: AnswerReader
    client_columns: int
    clinicians: ClinicianTerms
    matches: CompiledMatches
    trees: CompiledTrees | None
    product_weights: Mapping[str, Array]

    def is_of(self, model: AllianceModel, encoding: RosterEncoding) -> bool:
        """Whether this is the plan of a model and of a roster's clinicians as it knows them."""
        own, theirs = self.clinicians.index, encoding.clinician
        return self.model is model and (own is theirs or np.array_equal(own, theirs))

    def score(self, clients: Columns, pairs: Pairs) -> ScoredPairs:
        """Scores of pairs, in points.

        A score depends on no other pair: one client alone and among others get equal bits.

        Parameters
        ----------
        clients
            Encoded answers, one row a client.
        pairs
            Each client with clinicians of the roster, client by client.
        """
        answers = self.answers.of(clients)
        if clients.size == 1:
            _, raw, usual = self.matches.of(answers, pairs.client, pairs.clinician)
            return self.scored(self.client_terms(answers), pairs, raw, usual)
        raw = np.empty((self.matches.count, len(pairs.client)))
        usual = np.empty((self.matches.count, clients.size))
        for rows, some in passes(pairs.client, clients.size):
            raw[:, some], usual[:, rows] = self.matched(answers, pairs, rows, some)
        return self.scored(self.client_terms(answers), pairs, raw, usual)

    def matched(
        self, answers: Answers, pairs: Pairs, rows: slice, some: slice
    ) -> tuple[Array, Array]:
        """The matches of some of the clients in some pairs, and their means over the panel."""
        few = answers.between(rows.start, rows.stop)
        client, clinician = pairs.client[some] - rows.start, pairs.clinician[some]
        return self.matches.of(few, client, clinician)[1:]

    def score_changed(
        self,
        stated: ScoredPairs,
        rows: Sequence[Places],
        changed: Sequence[Columns],
        fields: Sequence[Set[str]],
    ) -> ScoredPairs:
        """Pairs of one client again, with some of the answers changed.

        Parameters
        ----------
        stated
            Pairs of the client with the answers as stated.
        rows
            Which of them are scored with each of C changed answers.
        changed, fields
            Each of the changed answers, one row, and the fields that differ from the stated ones.

        Returns
        -------
        ScoredPairs
            Client by client; the clients are the C changed answers.
        """
        read = self.model.pipeline.client_fields
        answers = self.answers.of(Columns.concatenate([each.only(read) for each in changed]))
        sizes = [len(each) for each in rows]
        together = np.concatenate(rows)
        pairs = Pairs(np.repeat(np.arange(len(rows)), sizes), stated.clinician[together])
        raw = stated.raw.take(together, axis=1)
        usual = np.repeat(stated.usual[:, :1], len(rows), axis=1)
        for row, some in by_client(pairs.client, len(rows)):
            places, own, means = self.matches.of(
                answers.between(row, row + 1),
                pairs.client[some],
                pairs.clinician[some],
                fields[row],
            )
            raw[places, some], usual[places, row] = own, means[:, 0]
        if any(each & self.model.pipeline.own_fields for each in fields):
            terms = self.client_terms(answers)
        else:
            terms = stated.clients.take(np.zeros(len(rows), dtype=np.intp))
        return self.scored(terms, pairs, raw, usual)

    def scored(self, terms: ClientTerms, pairs: Pairs, raw: Array, usual: Array) -> ScoredPairs:
        """Pairs of which the matches are known, scored; see `ScoredPairs`."""
        model, (client, clinician) = self.model, (pairs.client, pairs.clinician)
        pairing, ways = np.empty(len(client)), None
        if self.trees is not None:
            ways = np.empty((len(self.trees.table.values), len(client)), dtype=np.uint8)
        for some in in_chunks(len(client), BLOCK_PAIRS):
            whose, whom = client[some], clinician[some]
            match = self.centred(terms, whose, raw[:, some], usual)
            # Along contiguous rows, which numpy sums alike whatever their number.
            points = np.add.reduce(self.added(terms, whose, whom, match), axis=1)
            points *= 1 - model.tree_weight
            if model.trees is not None and model.tree_weight:
                history = self.history(terms, whose, whom)
                if self.trees is not None and ways is not None:
                    own = self.trees.ways(terms.rows, match, history, whose, whom)
                    grown, ways[:, some] = self.trees.table.score(own), own
                else:
                    rows = terms.rows[whose], self.clinicians.rows[whom]
                    grown = model.trees.score(model_columns(*rows, match, history))
                points += model.tree_weight * grown
            points += model.survivor_offset
            pairing[some] = points
        scores = PairScores(terms.expected.take(client), pairing)
        return ScoredPairs(self, terms, client, clinician, raw, usual, ways, scores)

    def centred(self, terms: ClientTerms, client: Places, raw: Array, usual: Array) -> Array:
        """Matches of n pairs, centred within the client, (matches, n)."""
        return raw - (usual if terms.is_one else usual.take(client, axis=1))

    def history(self, terms: ClientTerms, client: Places, clinician: Places) -> Array:
        """The columns of the clinicians' records of n pairs, (columns, n)."""
        own, level = self.clinicians, terms.level
        if level.ndim > 1:
            return history_of_tags(own, level if terms.is_one else level[client], clinician)
        if terms.is_one:
            return np.asarray(own.history[level[0]].take(clinician, axis=1))
        return np.asarray(own.history[level[client], :, clinician].T)

    def added(self, terms: ClientTerms, client: Places, clinician: Places, match: Array) -> Array:
        """Contributions of the additive half, in the order and with the digits of `Additive`.

        Of n pairs, (n, clinician + match + history columns + 1); `match` (matches, n) is centred.
        """
        additive, own = self.model.additive, self.clinicians
        attributes, first = own.parts.shape[1], own.parts.shape[1] + len(match)
        added = np.empty((len(clinician), first + self.model.records.width + 1))
        slopes, level = terms.slopes, terms.level
        if not terms.is_one:
            slopes, level = slopes[client], level[client]
        columns = added[:, :attributes]
        np.multiply(own.multiplied.take(clinician, axis=0), slopes, out=columns)
        columns += own.parts.take(clinician, axis=0)
        added[:, attributes:first] = additive.match_parts(match.T)
        added[:, first:] = 0.0
        added[:, first] = own.effect.take(clinician)
        if additive.frame.levels:
            added[:, first + 2] = self._by_level(level, clinician)
        added[:, -1] = additive.fit.intercept
        return added

    def _by_level(self, level: NDArray[np.int64], clinician: Places) -> Array:
        """The effect of each clinician for a client of some levels, or for each of n, (n,)."""
        if level.ndim > 1:
            return effect_of_tags(self.clinicians, level, clinician)
        if len(level) == 1:
            return np.asarray(self.clinicians.by_level[level[0]].take(clinician))
        return np.asarray(self.clinicians.by_level[level, clinician])

    def client_terms(self, answers: Answers) -> ClientTerms:
        """What some clients decide of their scores alone."""
        model, own = self.model, self.clinicians
        rows = answers.numbers[:, : self.client_columns]
        products = model.additive.frame.products
        scaled = {block: each.client.scaled(rows) for block, each in products.items()}
        slopes = np.zeros((len(rows), own.rows.shape[1]))
        for block, each in products.items():
            weights = self.product_weights[block]
            slopes[:, each.clinician.places] = each.slopes(scaled[block], weights)
        level = levels_of(model.practice, answers.columns)
        return ClientTerms(rows, level, model.client_part(rows), scaled, slopes)


def model_columns(client: Array, clinician: Array, match: Array, history: Array) -> Array:
    """Columns in the order of `Pipeline.features`, (n, features).

    The first two have (n, columns), the others (columns, n).
    """
    return np.concatenate([client, clinician, match.T, history.T], axis=1)


def passes(client: Places, count: int) -> Iterator[tuple[slice, slice]]:
    """Clients whose matches are computed at once, with their pairs, which follow one another."""
    ends = np.searchsorted(client, np.arange(count + 1))
    start = 0
    while start < count:
        last = int(np.searchsorted(ends, ends[start] + PASS_PAIRS, side="right")) - 1
        stop = min(max(last, start + 1), start + PASS_PAIRS, count)
        yield slice(start, stop), slice(int(ends[start]), int(ends[stop]))
        start = stop


def by_client(client: Places, count: int) -> Iterator[tuple[int, slice]]:
    """The clients that have pairs, and their pairs, which follow one another."""
    ends = np.searchsorted(client, np.arange(count + 1)).tolist()
    for row, (start, end) in enumerate(pairwise(ends)):
        if start < end:
            yield row, slice(start, end)
