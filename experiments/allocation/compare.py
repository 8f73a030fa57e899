"""One list of a simulated practice, given out at once and one client after the other."""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from experiments.allocation.turns import in_turn
from experiments.known_truth import UTILISATION, Truth, read_truth
from recommender.allocation.allocate import allocate
from recommender.allocation.candidates import Candidates, candidates_of
from recommender.allocation.outcome import Allocation
from recommender.allocation.solver import NOBODY, Array, Places
from recommender.allocation.terms import Floor, Terms, WaitingClient
from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.practice.definition import Practice, shipped_practice
from recommender.tables.cells import People
from recommender.tables.loader import read_clients, read_tables
from recommender.training.dataset import dataset_of
from recommender.training.fit import fit

FITTING = 0.3
"""Part of the simulated clients whom somebody surely fits (four in ten do): so many more are made
than stand on a list."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How large a practice is simulated, and below what nobody may be given anybody."""

    clients: int
    clinicians: int
    ratings: int
    floor: float


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What came of one list given out in one way.

    Attributes
    ----------
    placed : (clients,) bool
    true : (clients,)
        True expected alliance on the reference scale; NaN for whoever is given nobody.
    below : int
        Clients given somebody more than the floor below their own first choice, as predicted.
    """

    placed: NDArray[np.bool_]
    true: Array
    below: int


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """The same list given out at once, in turn, and to anybody who fits, in turn."""

    at_once: Outcome
    in_turn: Outcome
    anybody: Outcome
    seconds: float
    places: int

    def gain(self, other: Outcome) -> Array:
        """True points gained by each client who is given somebody either way."""
        both = self.at_once.placed & other.placed
        return self.at_once.true[both] - other.true[both]


def compared(directory: Path, asked: Asked, seed: int) -> Compared:
    """Simulates a practice, learns from it and gives its waiting list out in three ways.

    The list has a client for 85 of 100 places. Places are shared out as the roster has them open;
    the day is the last of the history. Everybody comes in an order drawn from the seed.
    """
    truth, encoding, model, day = learned(directory, asked, seed)
    people = list_of(directory, encoding, model, day, asked)
    places = scaled_places(encoding, model.practice, len(people.ids))
    started = time.perf_counter()
    found = _allocated(people, encoding, model, places, day, asked.floor)
    seconds = time.perf_counter() - started
    fitting = candidates_of(people.ids, people.columns, encoding, model, day, _untold)
    blind = replace(fitting, pairing=np.zeros(len(fitting.client)))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(people.ids))

    def came_of(pair: Places) -> Outcome:
        return _outcome(pair, fitting, places, people, truth, asked.floor)

    return Compared(
        at_once=came_of(_pairs_of(found, people, encoding, fitting)),
        in_turn=came_of(in_turn(fitting, places, order, rng)),
        anybody=came_of(in_turn(blind, places, order, rng)),
        seconds=seconds,
        places=int(places.sum()),
    )


def _allocated(
    people: People,
    encoding: RosterEncoding,
    model: AllianceModel,
    places: Places,
    day: date,
    floor: float,
) -> Allocation:
    named = dict(zip(encoding.roster.ids, places.tolist(), strict=True))
    terms = Terms(places=named, floor=Floor(within=floor), marginal_value_for=0)
    listed = [WaitingClient(name) for name in people.ids]
    return allocate(people, listed, encoding, model, terms, day=day, progress=_untold)


def learned(
    directory: Path, asked: Asked, seed: int
) -> tuple[Truth, RosterEncoding, AllianceModel, date]:
    """A simulated practice in a folder: its truth, roster, model and last day."""
    practice = shipped_practice()
    sizes = {
        "clinicians": asked.clinicians,
        "ratings": asked.ratings,
        "test-clients": int(asked.clients / FITTING),
        "seed": seed,
    }
    words = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
    line = [sys.executable, "-m", "experiments.simulated_practice", "--out", str(directory)]
    subprocess.run([*line, *words], check=True, capture_output=True)
    tables = read_tables(directory, practice, None)
    now, dataset = datetime.now(UTC), dataset_of(tables, practice)
    model = fit(dataset, now=now).model
    rated = np.array(tables.clinician_ids)[np.unique(dataset.pairs.clinician)]
    day = tables.pairings["started_on"].max().date()
    return read_truth(directory, rated), model.encode_roster(tables.roster(now)), model, day


def list_of(
    directory: Path, encoding: RosterEncoding, model: AllianceModel, day: date, asked: Asked
) -> People:
    """As many test clients as are asked for, of those whom somebody fits."""
    people = read_clients(directory / "truth" / "clients.csv", model.practice)
    fitting = candidates_of(people.ids, people.columns, encoding, model, day, _untold)
    rows = np.unique(fitting.client)[: asked.clients]
    return People(
        tuple(people.ids[row] for row in rows.tolist()),
        tuple(people.names[row] for row in rows.tolist()),
        people.columns.take(rows),
    )


def scaled_places(encoding: RosterEncoding, practice: Practice, clients: int) -> Places:
    """The roster's open places, scaled so that 85 clients come to 100 of them."""
    assert practice.places is not None
    open_ = np.nan_to_num(encoding.roster.columns[practice.places])
    total = round(clients / UTILISATION)
    ends = np.floor(np.cumsum(open_) * total / open_.sum() + 0.5).astype(np.intp)
    return np.asarray(np.diff(ends, prepend=0))


def _pairs_of(
    found: Allocation, people: People, encoding: RosterEncoding, fitting: Candidates
) -> Places:
    clinician = {name: place for place, name in enumerate(encoding.roster.ids)}
    client = {name: place for place, name in enumerate(people.ids)}
    pairs = np.full(len(people.ids), NOBODY, dtype=np.intp)
    for each in found.assigned:
        own = fitting.rows_of(client[each.client_id])
        chosen = own[fitting.clinician[own] == clinician[each.clinician_id]]
        pairs[client[each.client_id]] = chosen[0]
    return pairs


def _outcome(
    pair: Places,
    fitting: Candidates,
    places: Places,
    people: People,
    truth: Truth,
    floor: float,
) -> Outcome:
    placed = pair != NOBODY
    row = {name: place for place, name in enumerate(truth.client_ids)}
    rows = np.array([row[name] for name in people.ids])
    true = np.full(len(pair), np.nan)
    true[placed] = truth.alliance[rows[placed], fitting.clinician[pair[placed]]]
    first = fitting.first(places[fitting.clinician] > 0, len(pair))
    apart = fitting.pairing[first[placed]] - fitting.pairing[pair[placed]]
    return Outcome(placed, true, int((apart > floor + 1e-6).sum()))


def _untold(step: str, done: float) -> None:
    """Nobody watches."""


def over_practices(gains: Sequence[float]) -> tuple[float, float, float]:
    """Mean over practices and its 95 % interval: Student's t, since practices are independent.

    Clients of one practice share a model and the places, so they are not; NaN ends for one alone.
    """
    mean, many = float(np.mean(gains)), len(gains)
    if many < 2:
        return mean, float("nan"), float("nan")
    half = float(t.ppf(0.975, many - 1) * np.std(gains, ddof=1) / np.sqrt(many))
    return mean, mean - half, mean + half
