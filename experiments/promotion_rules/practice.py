"""A small practice with a known truth, and a learner in closed form; both are linear.

Far smaller than `experiments.simulated_practice`, so that hundreds of practices with eight looks
each take minutes. Shares of variance are those of `simulated_practice/settings.py`.
"""

from dataclasses import dataclass

import numpy as np

from experiments.known_truth import Floats, Places, Truth, cap_share

CLINICIANS, CONCERNS, TRAITS, TEST_CLIENTS = 20, 8, 6, 340
CLINICIAN_SHARE, MATCH_SHARE, SKILL_SHARE, REST = 0.07, 0.07, 0.03, 0.735
"""Of the variance of one session's alliance: clinicians, matches, skill with a concern, and all
that no model sees (idiosyncratic, occasion, and what no answer shows of the client)."""
KNOWN_OF_CLINICIAN = 0.15
"""Part of the clinicians' share that their attributes explain."""
WRONG_SIZES = 0.8
"""Standard deviation of a true size of a match around the declared one, as a share of it."""


@dataclass(frozen=True, slots=True)
class Meetings:
    """Clients, each with a clinician, and what they rated.

    Attributes
    ----------
    traits : (n, TRAITS)
    concern, clinician : (n,) int
    rating : (n,)
        Net of what the client's answers say; in standard deviations of one session's alliance.
    """

    traits: Floats
    concern: Places
    clinician: Places
    rating: Floats

    def take(self, rows: Places) -> "Meetings":
        """Some of them."""
        return Meetings(
            self.traits[rows], self.concern[rows], self.clinician[rows], self.rating[rows]
        )


@dataclass(frozen=True, slots=True)
class Model:
    """Coefficients of the design, and which clinician is read where one is asked for.

    `reads` is the identity unless a fault exchanges clinicians.
    """

    coefficients: Floats
    learned: int
    reads: Places


class SmallPractice:
    """One practice: clinicians, the true effects, the declared ones, future clients.

    What is declared is `overstated` times what true sizes are in the mean.
    """

    def __init__(self, seed: int, overstated: float = 1.0) -> None:
        rng = self.rng = np.random.default_rng(seed)
        self.attributes = rng.normal(size=(CLINICIANS, TRAITS))
        match = np.sqrt(MATCH_SHARE / TRAITS)
        self.declared = np.full(TRAITS, match / np.sqrt(1 + WRONG_SIZES**2))
        known = np.sqrt(KNOWN_OF_CLINICIAN * CLINICIAN_SHARE / TRAITS)
        unknown = np.sqrt((1 - KNOWN_OF_CLINICIAN) * CLINICIAN_SHARE)
        skill = np.sqrt(SKILL_SHARE)
        size = CLINICIANS * CONCERNS
        self.spread = np.concatenate(
            [WRONG_SIZES * self.declared, np.full(TRAITS, known),
             np.full(CLINICIANS, unknown), np.full(size, skill)]
        )  # fmt: skip
        mean = np.concatenate([self.declared, np.zeros(TRAITS + CLINICIANS + size)])
        self.prior = overstated * mean
        self.true = mean + self.spread * rng.normal(size=len(mean))
        self.future = self._clients(TEST_CLIENTS)
        expected = self.scores(Model(self.true, 0, np.arange(CLINICIANS)))
        names = tuple(map(str, range(TEST_CLIENTS))), tuple(map(str, range(CLINICIANS)))
        possible = rng.random(expected.shape) < 0.7
        self.truth = Truth(
            *names, expected, expected, np.zeros(TEST_CLIENTS), possible,
            np.zeros(CLINICIANS, dtype=np.bool_), {},
        )  # fmt: skip

    @property
    def evidence(self) -> Model:
        """The declared sizes, before any rating."""
        return Model(self.prior, 0, np.arange(CLINICIANS))

    def ratings(self, number: int) -> Meetings:
        """New clients; staff choose partly by the declared matches."""
        traits, concern = self._clients(number)
        appeal = traits * self.declared @ self.attributes.T
        appeal = appeal / appeal.std() * 0.5 + self.rng.gumbel(size=(number, CLINICIANS))
        clinician = appeal.argmax(axis=1)
        unrated = Meetings(traits, concern, clinician, np.zeros(number))
        noise = self.rng.normal(0.0, np.sqrt(REST), number)
        return Meetings(traits, concern, clinician, self.design(unrated) @ self.true + noise)

    def design(self, meetings: Meetings, reads: Places | None = None) -> Floats:
        """Columns of matches, attributes, clinicians, and clinicians by concern, (n, columns)."""
        n, seen = len(meetings.concern), meetings.clinician
        seen = seen if reads is None else reads[seen]
        rows, size = np.arange(n), CLINICIANS * CONCERNS
        columns = np.zeros((n, 2 * TRAITS + CLINICIANS + size))
        columns[:, :TRAITS] = meetings.traits * self.attributes[seen]
        columns[:, TRAITS : 2 * TRAITS] = self.attributes[seen]
        columns[rows, 2 * TRAITS + seen] = 1.0
        columns[rows, 2 * TRAITS + CLINICIANS + seen * CONCERNS + meetings.concern] = 1.0
        return columns

    def learned(self, meetings: Meetings, rating: Floats) -> Floats:
        """Posterior mean of the coefficients: a ridge towards the declared sizes."""
        x = self.design(meetings)
        precision = x.T @ x / REST + np.diag(self.spread**-2)
        return np.asarray(
            np.linalg.solve(precision, x.T @ rating / REST + self.prior / self.spread**2)
        )

    def scores(self, model: Model) -> Floats:
        """Of every future client with every clinician, (clients, clinicians)."""
        traits, concern = self.future
        one = np.repeat(np.arange(TEST_CLIENTS), CLINICIANS)
        everybody = np.tile(np.arange(CLINICIANS), TEST_CLIENTS)
        pairs = Meetings(traits[one], concern[one], everybody, np.zeros(len(one)))
        scores = self.design(pairs, model.reads) @ model.coefficients
        return np.asarray(scores.reshape(TEST_CLIENTS, CLINICIANS))

    def cap(self, model: Model) -> float:
        """Share of what an oracle gains where places are scarce."""
        return cap_share(self.truth, self.scores(model))

    def _clients(self, number: int) -> tuple[Floats, Places]:
        return self.rng.normal(size=(number, TRAITS)), self.rng.integers(0, CONCERNS, number)
