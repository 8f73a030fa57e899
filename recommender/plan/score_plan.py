"""Scores of clients with the clinicians of a roster, from what model and roster decide beforehand.

The row-wise path of `AllianceModel` computes the same for training and evaluation; here the part
of each clinician is computed once, and a request adds what depends on its client.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
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
from recommender.model.trees.tables import Ways
from recommender.plan.clients import ClientTerms
from recommender.plan.clinicians import ClinicianTerms
from recommender.plan.matches import CompiledMatches
from recommender.plan.tag_levels import effect_of_tags, history_of_tags
from recommender.plan.trees import CompiledTrees
from recommender.practice.columns import Columns

Places = NDArray[np.intp]
PASS_PAIRS = 1_000
"""Pairs of several clients whose matches are computed at once: their arrays, some megabytes, stay
in the caches of a processor. More are slower."""


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
    history : (columns, n)
        The columns of the clinicians' records.
    added : (n, clinician + match + history columns + 1)
        The contributions of the additive half, as `Additive.contributions` gives them.
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
    history: Array
    added: Array
    ways: Ways | None
    scores: PairScores

    def __len__(self) -> int:
        return len(self.clinician)

    @property
    def match(self) -> Array:
        """The matches, centred within the client, (matches, n)."""
        return self.raw - self.usual.take(self.client, axis=1)

    def part(self, start: int, stop: int) -> "ScoredPairs":
        """Pairs that follow one another, without a copy."""
        some = slice(start, stop)
        return replace(
            self,
            client=self.client[some],
            clinician=self.clinician[some],
            raw=self.raw[:, some],
            history=self.history[:, some],
            added=self.added[some],
            ways=None if self.ways is None else self.ways[:, some],
            scores=PairScores(self.scores.client[some], self.scores.pairing[some]),
        )

    def take(self, rows: Places) -> "ScoredPairs":
        """Some of the pairs, in the order given."""
        return replace(
            self,
            client=self.client[rows],
            clinician=self.clinician[rows],
            raw=self.raw.take(rows, axis=1),
            history=self.history.take(rows, axis=1),
            added=self.added[rows],
            ways=None if self.ways is None else self.ways.take(rows, axis=1),
            scores=self.scores.take(rows),
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
            np.concatenate([self.history, other.history], axis=1),
            np.concatenate([self.added, other.added]),
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
        raw = np.empty((self.matches.count, len(pairs.client)))
        usual = np.empty((self.matches.count, clients.size))
        for rows, some in _passes(pairs.client, clients.size):
            places, own, means = self.matches.of(
                clients.between(rows.start, rows.stop),
                pairs.client[some] - rows.start,
                pairs.clinician[some],
            )
            raw[places, some], usual[places, rows] = own, means
        return self._scored(self._client_terms(clients), pairs, raw, usual)

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
        sizes = [len(each) for each in rows]
        together = np.concatenate(rows)
        pairs = Pairs(np.repeat(np.arange(len(rows)), sizes), stated.clinician[together])
        raw = stated.raw.take(together, axis=1)
        usual = np.repeat(stated.usual[:, :1], len(rows), axis=1)
        for row, some in _by_client(pairs.client, len(rows)):
            places, own, means = self.matches.of(
                changed[row], pairs.client[some], pairs.clinician[some], fields[row]
            )
            raw[places, some], usual[places, row] = own, means[:, 0]
        read = self.model.pipeline.own_fields
        if any(each & read for each in fields):
            terms = self._client_terms(Columns.concatenate([each.only(read) for each in changed]))
        else:
            terms = stated.clients.take(np.zeros(len(rows), dtype=np.intp))
        return self._scored(terms, pairs, raw, usual)

    def _scored(self, terms: ClientTerms, pairs: Pairs, raw: Array, usual: Array) -> ScoredPairs:
        model, own = self.model, self.clinicians
        client, clinician = pairs.client, pairs.clinician
        match, level = raw - usual.take(client, axis=1), terms.level[client]
        if level.ndim == 1:
            history = own.history[level, clinician].T
        else:
            history = history_of_tags(own, level, clinician).T
        added = self._added(terms, pairs, match)
        # Along contiguous rows, which numpy sums alike whatever their number.
        pairing = (1 - model.tree_weight) * added.sum(axis=1)
        ways = None
        if self.trees is not None:
            ways = self.trees.ways(terms.rows, match, history, client, clinician)
            pairing += model.tree_weight * self.trees.table.score(ways)
        elif model.trees is not None and model.tree_weight:
            columns = model_columns(terms.rows[client], own.rows[clinician], match, history)
            pairing += model.tree_weight * model.trees.score(columns)
        scores = PairScores(terms.expected[client], pairing + model.survivor_offset)
        return ScoredPairs(self, terms, client, clinician, raw, usual, history, added, ways, scores)

    def _added(self, terms: ClientTerms, pairs: Pairs, match: Array) -> Array:
        """Contributions of the additive half, in the order and with the digits of `Additive`."""
        additive, own, clinician = self.model.additive, self.clinicians, pairs.clinician
        level = terms.level[pairs.client]
        attributes, first = own.parts.shape[1], own.parts.shape[1] + len(match)
        added = np.zeros((len(clinician), first + self.model.records.width + 1))
        added[:, :attributes] = own.parts[clinician]
        for block, products in additive.frame.products.items():
            slopes = terms.slopes[block][pairs.client]
            added[:, products.clinician.places] += slopes * own.multiplied[block][clinician]
        added[:, attributes:first] = additive.match_parts(match.T)
        added[:, first] = own.effect[clinician]
        if additive.frame.levels:
            one = level.ndim == 1
            added[:, first + 2] = (
                own.by_level[level, clinician] if one else effect_of_tags(own, level, clinician)
            )
        added[:, -1] = additive.fit.intercept
        return added

    def _client_terms(self, clients: Columns) -> ClientTerms:
        model = self.model
        rows = model.pipeline.client_rows(clients)
        slopes = {
            block: products.slopes(rows, self.product_weights[block])
            for block, products in model.additive.frame.products.items()
        }
        return ClientTerms(
            rows, levels_of(model.practice, clients), model.client_part(rows), slopes
        )


def model_columns(client: Array, clinician: Array, match: Array, history: Array) -> Array:
    """Columns in the order of `Pipeline.features`, (n, features).

    The first two have (n, columns), the others (columns, n).
    """
    return np.concatenate([client, clinician, match.T, history.T], axis=1)


def _passes(client: Places, count: int) -> Iterator[tuple[slice, slice]]:
    """Clients whose matches are computed at once, with their pairs, which follow one another."""
    ends = np.searchsorted(client, np.arange(count + 1))
    start = 0
    while start < count:
        last = int(np.searchsorted(ends, ends[start] + PASS_PAIRS, side="right")) - 1
        stop = min(max(last, start + 1), start + PASS_PAIRS, count)
        yield slice(start, stop), slice(int(ends[start]), int(ends[stop]))
        start = stop


def _by_client(client: Places, count: int) -> Iterator[tuple[int, slice]]:
    """The clients that have pairs, and their pairs, which follow one another."""
    ends = np.searchsorted(client, np.arange(count + 1)).tolist()
    for row, (start, end) in enumerate(pairwise(ends)):
        if start < end:
            yield row, slice(start, end)
