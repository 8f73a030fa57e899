"""The fitted path from columns to rows, kept inside the bundle.

Training and serving both call `Pipeline.rows`; there is no second way to build one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import (
    Array,
    Feature,
    client_features,
    client_rows,
    clinician_features,
    clinician_rows,
)
from recommender.features.history import history_features
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.match_functions import known_mean

ROWS_AT_ONCE = 200_000


def pairing_features(practice: Practice) -> tuple[Feature, ...]:
    """The matches of a practice as features, in the order of its definition."""
    return tuple(
        Feature(match.label, match.phrase, match.otherwise or match.phrase, match.group)
        for match in practice.matches.values()
    )


def matched_fields(practice: Practice) -> tuple[frozenset[str], frozenset[str]]:
    """Fields that matches compare, of the client and of the clinician."""
    matches = practice.matches.values()
    return (
        frozenset(field.name for match in matches for field in match.client),
        frozenset(field.name for match in matches for field in match.clinician),
    )


def pairing_rows(practice: Practice, client: Columns, clinician: Columns) -> Array:
    """Matches row by row, (n, matches); one client row may face all clinicians."""
    rows = np.empty((clinician.size, len(practice.matches)))
    for place, match in enumerate(practice.matches.values()):
        rows[:, place] = match.between(client, clinician)
    return rows


def panel_means(practice: Practice, client: Columns, panel: Columns) -> Array:
    """Each client's mean match with the panel, (clients, matches); NaN where no match is known."""
    means = np.empty((client.size, len(practice.matches)))
    ours, theirs = matched_fields(practice)
    client, panel = client.only(ours), panel.only(theirs)
    if client.size == 1:
        return known_mean(pairing_rows(practice, client, panel)[None])
    step = max(ROWS_AT_ONCE // max(panel.size, 1), 1)
    for start in range(0, client.size, step):
        some = np.arange(start, min(start + step, client.size))
        prepared = client.take(np.repeat(some, panel.size))
        rows = pairing_rows(
            practice, prepared, panel.take(np.tile(np.arange(panel.size), len(some)))
        )
        means[some] = known_mean(rows.reshape(len(some), panel.size, rows.shape[1]))
    return means


Places = NDArray[np.intp]
PANEL = 20
"""Clinicians against whom matches are centred (methods study: 20 random roster members)."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which client meets which clinician.

    Attributes
    ----------
    client, clinician : (n,) int
        Rows of the clients' and of the clinicians' columns.
    """

    client: Places
    clinician: Places

    @classmethod
    def of_one(cls, clinicians: int) -> "Pairs":
        """One client with each of so many clinicians."""
        return cls(np.zeros(clinicians, dtype=np.intp), np.arange(clinicians))

    def take(self, rows: Places) -> "Pairs":
        """Some of the pairs, in the order given."""
        return Pairs(self.client[rows], self.clinician[rows])


@dataclass(frozen=True, slots=True)
class Rows:
    """Feature rows of n pairings, by family; NaN is an answer not given.

    Attributes
    ----------
    client, clinician, match, raw, history : (n, family's features)
        `match` is centred within the client; `raw` is not, and serves words only.
    """

    client: Array
    clinician: Array
    match: Array
    raw: Array
    history: Array

    def together(self) -> Array:
        """All model columns in the order of `Pipeline.features`, (n, features)."""
        return np.concatenate([self.client, self.clinician, self.match, self.history], axis=1)

    def take(self, rows: Places) -> "Rows":
        """Some of the rows, in the order given."""
        return Rows(*(part[rows] for part in self._families))

    @classmethod
    def joined(cls, some: "Sequence[Rows]") -> "Rows":
        """The rows of several, one after another; there is one at least."""
        return cls(*map(np.concatenate, zip(*(rows._families for rows in some), strict=True)))

    @property
    def _families(self) -> tuple[Array, ...]:
        return self.client, self.clinician, self.match, self.raw, self.history


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How rows are made for one practice.

    Attributes
    ----------
    practice
        The definition the names come from.
    panel
        The clinicians against whom matches are centred, fixed when fitted.
    """

    practice: Practice
    panel: Columns

    @property
    def features(self) -> tuple[Feature, ...]:
        """Every model column: client, clinician, match, history."""
        return (
            *client_features(self.practice),
            *clinician_features(self.practice),
            *pairing_features(self.practice),
            *history_features(self.practice),
        )

    @property
    def client_fields(self) -> frozenset[str]:
        """Fields of the client that rows are made of, without what only constraints read."""
        scored = self.practice.fields("client", "score")
        return matched_fields(self.practice)[0] | scored.keys()

    def client_rows(self, client: Columns) -> Array:
        """Client columns alone, (clients, features)."""
        return client_rows(self.practice, client)

    def rows(self, clients: Columns, clinicians: Columns, pairs: Pairs, history: Array) -> Rows:
        """Rows of pairings.

        Parameters
        ----------
        clients, clinicians
            Each person once; a request has one client.
        pairs
            Which client meets which clinician, n pairs.
        history
            Rows of `history_features`, (n, features), counted by the caller as of a day or out of
            fold.
        """
        # One client facing all is broadcast instead of repeated: the numbers are the same.
        one = clients.size == 1 and pairs.client.size > 0
        # Rosters hold many facts that no match compares: they need not be carried row by row.
        ours, theirs = matched_fields(self.practice)
        facing = clients if one else clients.only(ours).take(pairs.client)
        met = clinicians.only(theirs).take(pairs.clinician)
        raw = pairing_rows(self.practice, facing, met)
        means = panel_means(self.practice, clients, self.panel)
        return Rows(
            client=client_rows(self.practice, clients)[pairs.client],
            clinician=clinician_rows(self.practice, clinicians)[pairs.clinician],
            match=raw - means[pairs.client],
            raw=raw,
            history=history,
        )


def fit_pipeline(practice: Practice, clinicians: Columns, rng: np.random.Generator) -> Pipeline:
    """A pipeline whose panel is drawn from the given clinicians, all of them when they are few."""
    size = min(PANEL, clinicians.size)
    drawn = np.sort(rng.choice(clinicians.size, size=size, replace=False))
    return Pipeline(practice, clinicians.take(drawn))
