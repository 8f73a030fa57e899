"""Clients who ask one after the other, and each takes whoever stands first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.practice.columns import Columns
from recommender.practice.definition import read_practice
from recommender.recommendation.recommend import Intake, recommend
from recommender.tables.cells import People
from recommender.tables.roster import Roster

Places = NDArray[np.intp]
NOBODY = -1


@dataclass(frozen=True, slots=True)
class Firsts:
    """Who stood first for each client, as a place of the roster, or -1; and by what chance."""

    clinician: Places
    chance: NDArray[np.float64]


def under(model: AllianceModel, ranking: str) -> AllianceModel:
    """The same model in a practice whose definition has these lines under [ranking]."""
    practice = read_practice(f"{model.practice.text}\n[ranking]\n{ranking}\n")
    return replace(model, pipeline=replace(model.pipeline, practice=practice))


def firsts(
    model: AllianceModel,
    roster: Roster,
    people: People,
    day: date,
    places: Places | None = None,
    seed: int = 0,
) -> Firsts:
    """Who stands first for each client.

    Parameters
    ----------
    places : (clinicians,) int, optional
        Each first takes one of them; without, everybody has places for everyone.
    """
    practice, encoding = model.practice, model.encode_roster(roster)
    clinician, chance = np.full(len(people.ids), NOBODY), np.ones(len(people.ids))
    left = np.full(len(roster), len(people.ids)) if places is None else places.copy()
    row = {name: place for place, name in enumerate(roster.ids)}
    for place, name in enumerate(people.ids):
        asked = Intake(people.columns.take(np.array([place])), name, ())
        now = encoding if places is None else _with(encoding, practice.places, left)
        shown = recommend(asked, now, model, day=day, top_k=1, seed=f"{seed}/{name}").shortlist
        for first in shown:
            clinician[place] = row[first.clinician_id]
            chance[place] = first.propensity or 1.0
            left[clinician[place]] -= 1
    return Firsts(clinician, chance)


def _with(encoding: RosterEncoding, field: str | None, left: Places) -> RosterEncoding:
    """The roster with so many places left."""
    assert field is not None
    roster = encoding.roster
    values = {**roster.columns.values, field: left.astype(np.float64)}
    columns = Columns(len(roster), values)
    changed = Roster(roster.ids, roster.names, columns, roster.version, roster.taken_at)
    return RosterEncoding(changed, encoding.clinician)


def gini(named: Sequence[int], size: int) -> float:
    """How concentrated first ranks are: 0 where all get as many, near 1 where one gets all."""
    counts = np.sort(np.bincount(named, minlength=size))
    rank = np.arange(1, size + 1)
    return float((2 * rank - size - 1) @ counts / (size * counts.sum()))
