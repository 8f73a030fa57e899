"""The invented roster: who the clinicians are, how they work, when and for how much."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from experiments.simulated_practice.city import (
    SUBURBS,
    near_suburbs,
    weekly_windows,
)
from experiments.simulated_practice.draws import (
    Array,
    Random,
    Table,
    blank,
    cut,
    flip,
    pick,
    points,
    tick,
    tick_named,
)
from experiments.simulated_practice.names import display_names
from experiments.simulated_practice.odds import (
    CONFIDENT,
    EXPERIENCE,
    LANGUAGES_SPOKEN,
    LEFT_EMPTY_BY_CLINICIANS,
    OFFERED,
)
from experiments.simulated_practice.settings import Settings
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.tables.roster import Roster
from recommender.values.kinds import EPOCH

Fields = Mapping[str, Field]

# Points each core modality adds to style: directiveness, emotion, past, support. After the usual
# description of each school; only for plausible correlation, the truth reads the style itself.
LEANING = {
    "cbt": (5.0, -1.0, -2.5, -0.5),
    "act": (0.5, 2.0, -2.0, 1.0),
    "emdr": (3.0, 3.0, 1.5, 1.0),
    "schema": (2.0, 4.0, 2.5, 0.0),
    "dbt": (4.0, 1.0, -2.0, -1.0),
    "psychodynamic": (-5.0, 3.0, 4.0, -1.0),
    "interpersonal": (-1.0, 1.5, 0.5, 2.0),
    "emotion_focused": (-1.0, 6.0, 1.0, 3.0),
    "mindfulness": (-1.0, 0.0, -2.0, 3.0),
    "family_systems": (1.0, 1.0, 1.0, 0.0),
}
STYLES = ("style_directiveness", "style_emotion", "style_past", "style_support")
TRAINED = ("cbt", "act", "emdr", "schema")
OPEN, WAITING_LIST, CLOSED = 0.0, 1.0, 2.0
"""Levels of `intake_status`: all but a few of those here take clients at once."""


@dataclass(frozen=True, slots=True)
class Staff:
    """The clinicians and when they were there.

    Attributes
    ----------
    table
        Encoded fields, one row a clinician.
    ids, names
        Pseudonyms, and display names, in the order of the table.
    joined, left
        First and last day with new clients, counted from the first day of the history, (C,).
        A clinician who has only just joined has no pairing; one still there never left.
    """

    table: Table
    ids: list[str]
    names: list[str]
    joined: NDArray[np.int64]
    left: NDArray[np.int64]

    @property
    def active(self) -> NDArray[np.bool_]:
        """Who is there at the end, (C,)."""
        return np.asarray(self.left == np.iinfo(np.int64).max)


def employ(rng: Random, settings: Settings, practice: Practice) -> Staff:
    """A roster drawn from the seed; its cells are those the practice's tables hold."""
    size, declared = settings.clinicians, practice.clinician
    joined, left = _tenure(rng, settings)
    table: Table = {}
    for part in (_registration, _practice_scope, _therapy, _style, _background, _cost):
        table |= part(rng, declared, table, size)
    table |= _standing(rng, settings, left)
    table |= _where_and_when(rng, declared, size)
    table["gender"] = pick(rng, declared["gender"], {"woman": 70, "man": 27, "non_binary": 3}, size)
    blank(rng, table, LEFT_EMPTY_BY_CLINICIANS)
    return Staff(table, clinician_ids(size), display_names(rng, size), joined, left)


def of_roster(roster: Roster, settings: Settings) -> Staff:
    """The clinicians of a given roster, all still there; each joined when they were registered.

    A clinician registered only after the last pairing began has none.
    """
    registered = roster.columns["registered_from"] - _day(settings.first_day)
    joined = np.clip(np.nan_to_num(registered), 0, settings.days).astype(np.int64)
    size = len(roster)
    here = np.full(size, np.iinfo(np.int64).max)
    names = [roster.name_of(place) for place in range(size)]
    return Staff(dict(roster.columns.values), list(roster.ids), names, joined, here)


def clinician_ids(size: int) -> list[str]:
    """Pseudonyms `k001` and on."""
    return [f"k{number:03d}" for number in range(1, size + 1)]


def _tenure(rng: Random, settings: Settings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    size, days = settings.clinicians, settings.days
    joined = np.where(rng.random(size) < 0.7, 0, rng.integers(0, days * 5 // 6, size))
    left = np.full(size, np.iinfo(np.int64).max)
    order = rng.permutation(size)
    cold = round(settings.cold * size)
    gone = round(settings.gone * size)
    joined[order[:cold]] = days
    going = order[cold : cold + gone]
    joined[going] = 0
    left[going] = rng.integers(days // 4, days, len(going))
    return joined, left


def _registration(rng: Random, declared: Fields, _: Table, size: int) -> Table:
    odds = {"clinical_psychologist": 45, "psychologist": 45, "provisional_psychologist": 10}
    kind = pick(rng, declared["registration_type"], odds, size)
    levels = declared["registration_type"].levels
    provisional = kind == levels.index("provisional_psychologist")
    years = np.where(provisional, rng.uniform(0, 2, size), 1 + rng.gamma(2.0, 5.5, size))
    return {
        "registration_type": kind,
        "experience_years": np.minimum(np.rint(years), 45.0),
    }


def _practice_scope(rng: Random, declared: Fields, table: Table, size: int) -> Table:
    confident = tick(rng, declared["concerns_confident"], CONFIDENT, size)
    none = confident.sum(axis=1) == 0
    confident[none, 0] = 1.0
    refused = (rng.random(confident.shape) < 0.06) & (confident == 0)
    services = {"individual": 1.0, "couple": 0.30, "family": 0.20, "group": 0.12, "assessment": 0.3}
    senior = table["experience_years"] / 10
    minors = rng.random(size) < 0.35
    return {
        "concerns_confident": confident,
        "concerns_not_treated": refused.astype(np.float64),
        "services": tick(rng, declared["services"], services, size),
        "max_risk": np.minimum(cut(senior + rng.normal(0.6, 0.6, size), [-0.8, -0.2, 0.5, 1.7]), 4),
        "min_age": np.where(minors, rng.choice([5.0, 8.0, 12.0], size), 18.0),
        "max_age": rng.choice([65.0, 80.0, 120.0], size, p=[0.1, 0.2, 0.7]),
    }


def _therapy(rng: Random, declared: Fields, table: Table, size: int) -> Table:
    offered = tick(rng, declared["modalities"], OFFERED, size)
    offered[offered.sum(axis=1) == 0, 0] = 1.0
    rank = np.where(offered > 0, rng.random(offered.shape), -1.0)
    core = np.zeros_like(offered)
    core[np.arange(size), rank.argmax(axis=1)] = 1.0
    levels = declared["modalities"].levels
    parts: Table = {"modalities": offered, "core_modalities": core}
    for modality in TRAINED:
        column = levels.index(modality)
        depth = 1.4 * offered[:, column] + 0.8 * core[:, column] + rng.normal(0.3, 0.5, size)
        parts[f"training_{modality}"] = cut(depth, [0.6, 1.4, 2.2])
    return parts


def _style(rng: Random, declared: Fields, table: Table, size: int) -> Table:
    levels = declared["modalities"].levels
    leaning = np.array([LEANING.get(level, (0.0,) * 4) for level in levels])
    centre = table["core_modalities"] @ leaning
    interval = np.array([4.5, 4.5, 2.8, 4.5])
    drawn = centre + rng.normal(0.0, interval, (size, 4))
    parts = {
        name: points(rng, declared[name], drawn[:, place]) for place, name in enumerate(STYLES)
    }
    tasks = 0.12 * parts["style_directiveness"] + rng.normal(0.0, 0.8, size)
    return {**parts, "homework_use": cut(tasks, [-0.6, 0.6])}


def _background(rng: Random, declared: Fields, _: Table, size: int) -> Table:
    languages = tick(rng, declared["languages"], LANGUAGES_SPOKEN, size)
    languages[:, declared["languages"].levels.index("english")] = 1.0
    return {
        "languages": languages,
        "cultural_experience": tick(rng, declared["cultural_experience"], EXPERIENCE, size),
    }


def _cost(rng: Random, declared: Fields, table: Table, size: int) -> Table:
    levels = declared["registration_type"].levels
    usual = {"clinical_psychologist": 265.0, "psychologist": 220.0}
    base = np.array([usual.get(level, 130.0) for level in levels])
    kind = table["registration_type"].astype(np.intp)
    fee = base[kind] + 1.5 * table["experience_years"] + rng.normal(0, 22, size)
    accepted = {
        "medicare": 0.97,
        "private": 1.0,
        "ndis": 0.60,
        "dva": 0.55,
        "workcover": 0.55,
        "ctp": 0.50,
        "eap": 0.60,
    }
    funding = tick(rng, declared["funding_accepted"], accepted, size)
    provisional = kind == levels.index("provisional_psychologist")
    funding[provisional, declared["funding_accepted"].levels.index("medicare")] = 0.0
    return {
        "fee": np.maximum(np.rint(fee / 5) * 5, 80.0) * 100,
        "funding_accepted": funding,
    }


def _standing(rng: Random, settings: Settings, left: NDArray[np.int64]) -> Table:
    size, today = settings.clinicians, _day(settings.exported_on)
    here = left == np.iinfo(np.int64).max
    places = np.where(here, rng.poisson(4.0, size), 0).astype(np.float64)
    # Registration runs to 30 November; the next one ends a year after these tables were taken.
    renewal = float(_day(date(settings.exported_on.year + 1, 11, 30)))
    check = today + rng.integers(-30, 1500, size).astype(np.float64)
    check[rng.random(size) < 0.12] = np.nan
    return {
        "consents_to_matching": (rng.random(size) < 0.98).astype(np.float64),
        "registered_until": np.where(here, renewal, float(today - 60)),
        "working_with_children_until": check,
        "intake_status": np.where(here, (rng.random(size) >= 0.93) * WAITING_LIST, CLOSED),
        "places_open": places,
        "caseload": np.where(here, rng.poisson(24.0, size), 0).astype(np.float64),
        "next_available": today + np.rint(rng.gamma(1.6, 11.0, size)),
    }


def _where_and_when(rng: Random, declared: Fields, size: int) -> Table:
    modes = {"in_person": 0.88, "video": 0.80, "phone": 0.45}
    meets = tick_named(rng, declared["modes"], modes, size)
    usual = [declared["modes"].levels.index(way) for way in modes]
    meets[np.ix_(meets.sum(axis=1) == 0, usual)] = 1.0
    rooms = _rooms(rng, size)
    rooms[meets[:, declared["modes"].levels.index("in_person")] == 0] = np.nan
    late = np.where(rng.random(size) < 0.65, 0.40, 0.0)
    hours = weekly_windows(rng, 0.55, late, size)
    access = {
        "wheelchair": 0.60,
        "hearing_loop": 0.15,
        "low_sensory": 0.25,
        "parking": 0.55,
        "public_transport": 0.80,
        "assistance_animal": 0.70,
    }
    reports = {
        "gp_letter": 0.97,
        "ndis_report": 0.45,
        "workcover_report": 0.40,
        "court_report": 0.12,
        "school_report": 0.30,
    }
    return {
        "modes": meets,
        "rooms": rooms,
        "hours": hours,
        "shortest_session": rng.choice([30.0, 50.0], size, p=[0.4, 0.6]),
        "longest_session": rng.choice([50.0, 60.0, 90.0], size, p=[0.2, 0.4, 0.4]),
        "max_sessions": rng.choice([6.0, 10.0, 20.0, 40.0], size),
        "accessibility": tick(rng, declared["accessibility"], access, size),
        "reports": tick(rng, declared["reports"], reports, size),
    }


def _rooms(rng: Random, size: int) -> Array:
    """One room, or two for a third of clinicians, (size, 2, 2)."""
    first = near_suburbs(rng, rng.integers(len(SUBURBS), size=size), 0.004)
    second = near_suburbs(rng, rng.integers(len(SUBURBS), size=size), 0.004)
    second[flip(rng, 2 / 3, size) > 0] = np.nan
    return np.concatenate([first, second], axis=1)


def _day(moment: date) -> int:
    return moment.toordinal() - EPOCH
