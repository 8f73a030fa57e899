"""The pipeline from encoded answers to feature rows, used by training and serving alike.

Besides attributes of client and clinician, a row has matches between the two. A client who names
many wishes has high matches with everyone, so each match is centred within the client: its mean
over a fixed panel of clinicians is subtracted (the R-learner's centring, Nie and Wager 2021).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import (
    Array,
    Feature,
    client_features,
    clinician_features,
    clinician_rows,
    rows_of,
)
from recommender.features.history import history_features
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.sums import known_mean

Places = NDArray[np.intp]

PANEL_SIZE = 20
"""Clinicians in the panel: a random sample of the roster."""
MAX_PANEL_ROWS = 200_000
"""Pairs of clients and panel clinicians that are matched together, which bounds memory."""


def pairing_features(practice: Practice) -> tuple[Feature, ...]:
    """The matches of a practice as features, in the order of its definition."""
    return tuple(
        Feature(match.label, match.phrase, match.otherwise, match.group)
        for match in practice.matches.values()
    )


def matched_fields(practice: Practice) -> tuple[frozenset[str], frozenset[str]]:
    """The client fields and the clinician fields that matches compare."""
    matches = practice.matches.values()
    return (
        frozenset(field.name for match in matches for field in match.client),
        frozenset(field.name for match in matches for field in match.clinician),
    )


def pairing_rows(practice: Practice, client: Columns, clinician: Columns) -> Array:
    """Matches row by row, (n, matches); a single client row is matched with every clinician."""
    rows = np.empty((clinician.size, len(practice.matches)))
    for place, match in enumerate(practice.matches.values()):
        rows[:, place] = match.between(client, clinician)
    return rows


def panel_means(practice: Practice, client: Columns, panel: Columns) -> Array:
    """Mean of each client's matches with the panel, (clients, matches); NaN where none is known."""
    means = np.empty((client.size, len(practice.matches)))
    ours, theirs = matched_fields(practice)
    client, panel = client.only(ours), panel.only(theirs)
    step = max(MAX_PANEL_ROWS // max(panel.size, 1), 1)
    for start in range(0, client.size, step):
        some = client.between(start, min(start + step, client.size))
        for place, match in enumerate(practice.matches.values()):
            values = np.empty((panel.size, some.size))
            # What does not depend on the other side is computed once for each person.
            asked = match.comparison.prepare(match.compared(match.client, some))
            offered = match.comparison.prepare(match.compared(match.clinician, panel))
            for one in range(panel.size):
                repeated = (np.broadcast_to(p[one], (some.size, *p.shape[1:])) for p in offered)
                values[one] = match.comparison.compare(asked, tuple(repeated))
            means[start : start + some.size, place] = known_mean(values, axis=0)
    return means


@dataclass(frozen=True, slots=True)
class Pairs:
    """n pairs of a client and a clinician.

    Attributes
    ----------
    client, clinician : (n,) int
        Rows of the clients' and of the clinicians' columns.
    """

    client: Places
    clinician: Places

    @classmethod
    def of_one(cls, clinicians: int) -> "Pairs":
        """One client with each of a number of clinicians."""
        return cls.with_clinicians(np.arange(clinicians))

    @classmethod
    def with_clinicians(cls, places: Places) -> "Pairs":
        """One client with the clinicians at some places of a roster."""
        return cls(np.zeros(len(places), dtype=np.intp), places)

    def take(self, rows: Places) -> "Pairs":
        """The pairs of some rows, in the order of the rows."""
        return Pairs(self.client[rows], self.clinician[rows])


@dataclass(frozen=True, slots=True)
class Rows:
    """Feature rows of n pairings by family; NaN is a missing answer.

    Attributes
    ----------
    client, clinician, match, raw, history : (n, features of the family)
        `match` is centred within the client; `raw` is not, and is read by explanations only.
    """

    client: Array
    clinician: Array
    match: Array
    raw: Array
    history: Array

    def model_columns(self) -> Array:
        """The columns of the model in the order of `Pipeline.features`, (n, features)."""
        return np.concatenate([self.client, self.clinician, self.match, self.history], axis=1)

    def take(self, rows: Places) -> "Rows":
        """Some of the rows, in the order given by `rows`."""
        return Rows(*(part[rows] for part in self._families))

    @classmethod
    def concatenate(cls, some: "Sequence[Rows]") -> "Rows":
        """The rows of several one after another; at least one is needed."""
        return cls(*map(np.concatenate, zip(*(rows._families for rows in some), strict=True)))

    @property
    def _families(self) -> tuple[Array, ...]:
        return self.client, self.clinician, self.match, self.raw, self.history


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Computes the feature rows of one practice.

    Attributes
    ----------
    practice
        The definition that declares fields and matches.
    panel
        The clinicians against whom matches are centred, fixed when fitted.
    features
        Every column of the model: client, clinician, match, history.
    scored
        The client's fields that are features themselves.
    own_fields
        Client fields that rows read otherwise than in matches.
    client_fields
        Client fields that rows read; constraints may read others.
    """

    practice: Practice
    panel: Columns
    features: tuple[Feature, ...] = field(init=False, repr=False)
    scored: tuple[Field, ...] = field(init=False, repr=False)
    own_fields: frozenset[str] = field(init=False, repr=False)
    client_fields: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Builds once what every request reads."""
        features = (
            *client_features(self.practice),
            *clinician_features(self.practice),
            *pairing_features(self.practice),
            *history_features(self.practice),
        )
        per = self.practice.history.per
        levels = () if per is None else (per,)
        scored = self.practice.fields("client", "score")
        own = frozenset((*scored, *levels))
        object.__setattr__(self, "scored", tuple(scored.values()))
        object.__setattr__(self, "features", features)
        object.__setattr__(self, "own_fields", own)
        object.__setattr__(self, "client_fields", own | matched_fields(self.practice)[0])

    def client_rows(self, client: Columns) -> Array:
        """The client columns alone, (clients, features)."""
        return rows_of(self.scored, client)

    def rows(self, clients: Columns, clinicians: Columns, pairs: Pairs, history: Array) -> Rows:
        """Feature rows of n pairs.

        Parameters
        ----------
        clients, clinicians
            Each person once; a request has one client.
        pairs
            The pairs, as rows of `clients` and of `clinicians`.
        history : (n, features)
            Values of `history_features`: out of fold for training rows, else of the model's
            records.
        """
        ours, theirs = matched_fields(self.practice)
        # People have many fields that no match compares: they are not copied row by row.
        client = clients.only(ours).take(pairs.client)
        raw = pairing_rows(self.practice, client, clinicians.only(theirs).take(pairs.clinician))
        means = panel_means(self.practice, clients, self.panel)
        return Rows(
            client=self.client_rows(clients)[pairs.client],
            clinician=clinician_rows(self.practice, clinicians)[pairs.clinician],
            match=raw - means[pairs.client],
            raw=raw,
            history=history,
        )


def fit_pipeline(practice: Practice, clinicians: Columns, rng: np.random.Generator) -> Pipeline:
    """A pipeline whose panel is a random sample of the clinicians, or all of them if few."""
    size = min(PANEL_SIZE, clinicians.size)
    drawn = np.sort(rng.choice(clinicians.size, size=size, replace=False))
    return Pipeline(practice, clinicians.take(drawn))
