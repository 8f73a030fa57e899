"""A whole simulated practice: clients arrive, are placed, stay or leave, and rate.

Clients come in blocks, each with a random stream of its own, until as many pairings are rated as
were asked for; more ratings from the same seed therefore extend the same world.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from experiments.simulated_practice.alliance import Alliance, establish
from experiments.simulated_practice.assignment import Custom, appeal, choose, customs, free
from experiments.simulated_practice.clients import enrol
from experiments.simulated_practice.clinicians import Staff, employ, of_roster
from experiments.simulated_practice.course import Course, cut_short, run
from experiments.simulated_practice.draws import Array, Random, Table, stack, take
from experiments.simulated_practice.paperwork import PAPERWORK, of_clients, of_clinicians
from experiments.simulated_practice.ratings import EARLY, Ratings, rate
from experiments.simulated_practice.settings import Settings
from recommender.practice.definition import Practice
from recommender.tables.roster import Roster

BLOCK = 4_000
REFERENCE = 4_000
EARLY_DAYS = 90
ROSTER, TRUTH, CUSTOM, TEST, BLOCKS = range(5)


@dataclass(frozen=True, slots=True)
class Pairings:
    """Who started with whom, and the parts of their alliance.

    Attributes
    ----------
    client, clinician
        Rows in the clients' and the clinicians' tables, (n,).
    start
        Day of the history, (n,).
    propensity
        Probability with which staff chose this clinician, (n,).
    client_part, clinician_part, dyad_part, idiosyncratic_part
        Parts of the latent alliance on that day, (n,).
    """

    client: NDArray[np.intp]
    clinician: NDArray[np.intp]
    start: Array
    propensity: Array
    client_part: Array
    clinician_part: Array
    dyad_part: Array
    idiosyncratic_part: Array

    @property
    def steady(self) -> Array:
        """The alliance of the pair apart from the session's own difference, (n,)."""
        parts = self.client_part + self.clinician_part + self.dyad_part
        return parts + self.idiosyncratic_part


Rows = TypeVar("Rows", Pairings, Course, Ratings)


@dataclass(frozen=True, slots=True)
class Block:
    """Clients with their pairings and ratings; a world's history is one large block."""

    clients: Table
    pairings: Pairings
    course: Course
    ratings: Ratings

    @property
    def rated(self) -> NDArray[np.bool_]:
        """Which pairings have an early rating by the client, (n,)."""
        forms = self.ratings
        since = forms.day - self.pairings.start[forms.pairing]
        early = forms.by_client & (forms.session <= EARLY) & (since <= EARLY_DAYS)
        found = np.zeros(len(self.pairings.client), dtype=bool)
        found[forms.pairing[early]] = True
        return found


@dataclass(frozen=True, slots=True)
class World:
    """Everything: what a practice would export, and what it can never know."""

    settings: Settings
    practice: Practice
    staff: Staff
    alliance: Alliance
    history: Block
    test_clients: Table
    feasible: NDArray[np.bool_]


def simulate(
    settings: Settings,
    practice: Practice,
    told: Callable[[int], None] = lambda rated: None,
    roster: Roster | None = None,
) -> World:
    """A world from its settings.

    Parameters
    ----------
    told
        Called after each block with the number of rated pairings so far.
    roster
        The clinicians, in place of drawn ones; as many as `settings.clinicians`.
    """
    staff = _drawn(settings, practice) if roster is None else of_roster(roster, settings)
    rng = _stream(settings, TRUTH)
    reference = enrol(rng, practice, REFERENCE)
    alliance = establish(rng, settings, practice, staff.table, reference)
    quality = alliance.effect.mean(axis=0)
    custom = customs(_stream(settings, CUSTOM), staff, quality, settings.selection)
    blocks: list[Block] = []
    rated = 0
    while rated < settings.ratings:
        block = _block(len(blocks), alliance, staff, custom)
        block = _until(block, settings.ratings - rated)
        rated += int(block.rated.sum())
        blocks.append(block)
        told(rated)
    tests = _stream(settings, TEST)
    test_clients = enrol(tests, practice, settings.test_clients)
    soon = np.full(settings.test_clients, (settings.exported_on - settings.first_day).days + 28.0)
    intakes = _stream(settings, PAPERWORK, TEST)
    test_clients |= of_clients(intakes, settings, practice, test_clients, soon)
    return World(
        settings=settings,
        practice=practice,
        staff=staff,
        alliance=alliance,
        history=_joined(blocks),
        test_clients=test_clients,
        feasible=_feasible(tests, staff.active, settings.test_clients),
    )


def _drawn(settings: Settings, practice: Practice) -> Staff:
    staff = employ(_stream(settings, ROSTER), settings, practice)
    files = _stream(settings, PAPERWORK, ROSTER)
    staff.table.update(of_clinicians(files, settings, practice, staff.table, staff.active))
    return staff


def _stream(settings: Settings, *purpose: int) -> Random:
    return np.random.default_rng([settings.seed, *purpose])


def _block(number: int, alliance: Alliance, staff: Staff, custom: Custom) -> Block:
    """One block of clients, their pairings in order of client."""
    settings, practice = alliance.settings, alliance.practice
    rng = _stream(settings, BLOCKS, number)
    clients = enrol(rng, practice, BLOCK)
    pairings, until = _place(rng, alliance, staff, custom, clients)
    course = run(rng, settings, pairings.start, pairings.steady)
    course = cut_short(course, pairings.start, until)
    of_each = take(clients, pairings.client)
    ratings = rate(rng, settings, practice, course, pairings.start, pairings.steady, of_each)
    _, first = np.unique(pairings.client, return_index=True)
    intakes = _stream(settings, PAPERWORK, BLOCKS, number)
    clients |= of_clients(intakes, settings, practice, clients, pairings.start[first])
    return Block(clients, pairings, course, ratings)


def _place(
    rng: Random, alliance: Alliance, staff: Staff, custom: Custom, clients: Table
) -> tuple[Pairings, Array]:
    """Pairings of a block, and the day each must have ended by (NaN when it need not)."""
    settings, practice = alliance.settings, alliance.practice
    size = len(clients["age_years"])
    hidden = alliance.client_hidden(rng, size)
    start = rng.integers(0, settings.days, size).astype(np.float64)
    logits = appeal(rng, staff, custom, practice, clients, hidden)
    allowed = free(rng, staff, custom, practice, clients, start)
    first, chance = choose(rng, logits, allowed)
    later = start + rng.integers(60, 200, size)
    again = np.flatnonzero((rng.random(size) < settings.second_clinician) & (later < settings.days))
    others = free(rng, staff, custom, practice, take(clients, again), later[again])
    others[np.arange(len(again)), first[again]] = False
    possible = others.any(axis=1)
    again, others = again[possible], others[possible]
    second, second_chance = choose(rng, logits[again], others)
    client = np.concatenate([np.arange(size), again])
    until = np.full(len(client), np.nan)
    until[again] = later[again]
    order = np.argsort(client, kind="stable")
    client = client[order]
    clinician = np.concatenate([first, second])[order]
    day = np.concatenate([start, later[again]])[order]
    pairings = Pairings(
        client=client,
        clinician=clinician,
        start=day,
        propensity=np.concatenate([chance, second_chance])[order],
        client_part=(alliance.client_visible(clients) + hidden)[client],
        clinician_part=alliance.clinician(day)[np.arange(len(day)), clinician],
        dyad_part=alliance.dyad(clients)[client, clinician],
        idiosyncratic_part=rng.normal(0.0, np.sqrt(settings.shares.idiosyncratic), len(client)),
    )
    return pairings, until[order]


def _until(block: Block, wanted: int) -> Block:
    """The block up to the pairing with which `wanted` ones are rated; all of it if fewer are."""
    counted = np.cumsum(block.rated)
    if counted[-1] <= wanted:
        return block
    last = int(np.searchsorted(counted, wanted))
    kept = slice(0, last + 1)
    forms = block.ratings.pairing <= last
    return Block(
        clients=take(block.clients, slice(0, int(block.pairings.client[last]) + 1)),
        pairings=_rows(block.pairings, kept),
        course=_rows(block.course, kept),
        ratings=_rows(block.ratings, forms),
    )


def _joined(blocks: list[Block]) -> Block:
    """All blocks one below the other, rows renumbered."""
    moved: list[Block] = []
    clients = pairings = 0
    for block in blocks:
        moved.append(
            replace(
                block,
                pairings=replace(block.pairings, client=block.pairings.client + clients),
                ratings=replace(block.ratings, pairing=block.ratings.pairing + pairings),
            )
        )
        clients += len(block.clients["age_years"])
        pairings += len(block.pairings.client)
    return Block(
        clients=stack([block.clients for block in moved]),
        pairings=_together([block.pairings for block in moved]),
        course=_together([block.course for block in moved]),
        ratings=_together([block.ratings for block in moved]),
    )


def _rows(rows: Rows, kept: slice | NDArray[np.bool_]) -> Rows:
    return replace(rows, **{part.name: getattr(rows, part.name)[kept] for part in fields(rows)})


def _together(parts: list[Rows]) -> Rows:
    names = [part.name for part in fields(parts[0])]
    return replace(
        parts[0],
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names},
    )


def _feasible(rng: Random, active: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """A random 20 to 60 % of the active roster for each test client, at least two, (n, C)."""
    keys = np.where(active, rng.random((size, len(active))), np.inf)
    many = np.maximum(np.rint(rng.uniform(0.2, 0.6, size) * active.sum()), 2)
    rank = np.argsort(np.argsort(keys, axis=1), axis=1)
    return np.asarray((rank < many[:, None]) & active)
