"""Invented clients as an intake form would describe them.

Clients are drawn independently, so any number of them is a sample of the same people.
"""

from collections.abc import Mapping

import numpy as np

from experiments.simulated_practice.city import SUBURBS, near_suburbs, weekly_windows
from experiments.simulated_practice.draws import (
    Array,
    Random,
    Table,
    blank,
    cut,
    flip,
    one_hot,
    pick,
    points,
    tick,
    tick_named,
    tick_some,
)
from experiments.simulated_practice.odds import (
    ACCESS_NEEDS,
    COMMUNITIES,
    LANGUAGES_WISHED,
    LEFT_EMPTY_BY_CLIENTS,
    MAIN,
    WANTED,
)
from recommender.practice.definition import Practice
from recommender.practice.fields import Field

Fields = Mapping[str, Field]

CNIP = ("cnip_directiveness", "cnip_emotion", "cnip_past", "cnip_support")


def enrol(rng: Random, practice: Practice, size: int) -> Table:
    """Intakes of `size` clients, empty cells included; ids of others are left to `tables`."""
    declared = practice.client
    table: Table = {}
    for part in (_person, _concerns, _hopes, _approach, _wishes, _request, _money, _time):
        table |= part(rng, declared, table, size)
    blank(rng, table, LEFT_EMPTY_BY_CLIENTS)
    # The C-NIP is one form: it is answered whole or not at all.
    unanswered = rng.random(size) < 0.10
    for name in CNIP:
        table[name][unanswered] = np.nan
    return table


def _person(rng: Random, declared: Fields, _: Table, size: int) -> Table:
    age = np.where(rng.random(size) < 0.08, rng.uniform(8, 18, size), 18 + rng.gamma(2.6, 7, size))
    age = np.minimum(np.floor(age), 95.0)
    nations = {"aboriginal": 3.2, "torres_strait_islander": 0.3, "both": 0.3, "neither": 96.2}
    background = {
        "australian": 0.60,
        "british_irish": 0.15,
        "european": 0.14,
        "east_asian": 0.09,
        "south_asian": 0.07,
        "southeast_asian": 0.07,
        "middle_eastern": 0.06,
        "african": 0.02,
        "pacific": 0.02,
        "american": 0.02,
    }
    faith = {
        "no_religion": 48,
        "christian": 36,
        "muslim": 5,
        "hindu": 4,
        "buddhist": 4,
        "another": 3,
    }
    orientation = {"straight": 84, "gay_lesbian": 6, "bisexual": 7, "another": 3}
    gender = {"woman": 63, "man": 33, "non_binary": 3, "another": 1}
    return {
        "age_years": age,
        "gender": pick(rng, declared["gender"], gender, size),
        "first_nations": pick(rng, declared["first_nations"], nations, size),
        "cultural_background": tick(rng, declared["cultural_background"], background, size),
        "faith": pick(rng, declared["faith"], faith, size),
        "sexual_orientation": pick(rng, declared["sexual_orientation"], orientation, size),
        "disability": flip(rng, 0.17, size),
    }


def _concerns(rng: Random, declared: Fields, _: Table, size: int) -> Table:
    main = pick(rng, declared["main_concern"], MAIN, size)
    others = {level: 0.6 * odds / sum(MAIN.values()) for level, odds in MAIN.items()}
    concerns = tick(rng, declared["concerns"], others, size)
    concerns[np.arange(size), main.astype(np.intp)] = 1.0
    severity = rng.normal(0.0, 1.0, size)

    def measure(name: str, mean: float, sd: float) -> Array:
        mixed = 0.8 * severity + 0.6 * rng.normal(0.0, 1.0, size)
        return points(rng, declared[name], mean + sd * mixed)

    return {
        "main_concern": main,
        "concerns": concerns,
        "concern_duration": cut(rng.normal(0.2 * severity, 1.0), [-1.1, -0.3, 0.6]),
        "phq9": measure("phq9", 12.5, 5.8),
        "gad7": measure("gad7", 11.0, 5.0),
        "k10": measure("k10", 28.0, 7.0),
        "risk_level": cut(severity + rng.normal(0.0, 0.7, size), [-1.5, -0.3, 1.3, 2.6]),
    }


def _hopes(rng: Random, declared: Fields, table: Table, size: int) -> Table:
    prior = {"never": 38, "helpful": 30, "mixed": 20, "unhelpful": 12}
    distress = (table["k10"] - 28) / 7
    return {
        "expectancy": points(rng, declared["expectancy"], rng.normal(6.6 - 0.3 * distress, 1.9)),
        "social_support": cut(rng.normal(-0.25 * distress, 1.0), [-0.7, 0.6]),
        "prior_therapy": pick(rng, declared["prior_therapy"], prior, size),
    }


def _approach(rng: Random, declared: Fields, _: Table, size: int) -> Table:
    drawn = rng.normal([4.0, 3.0, -0.5, 2.5], [5.0, 5.0, 3.5, 5.0], (size, 4))
    style = {name: points(rng, declared[name], drawn[:, k]) for k, name in enumerate(CNIP)}
    wanted = tick(rng, declared["modalities_wanted"], WANTED, size)
    wanted[wanted.sum(axis=1) == 0] = np.nan
    must = tick_some(rng, declared["modalities_must"], WANTED, 0.05, size)
    declined = tick_some(rng, declared["modalities_not_wanted"], WANTED, 0.06, size)
    # Nobody declines what they also require.
    declined[np.nansum(must * declined, axis=1) > 0] = np.nan
    return {
        **style,
        "homework_wish": cut(rng.normal(0.04 * style["cnip_directiveness"], 0.8), [-0.6, 0.7]),
        "modalities_wanted": wanted,
        "modalities_must": must,
        "modalities_not_wanted": declined,
    }


def _wishes(rng: Random, declared: Fields, table: Table, size: int) -> Table:
    field = declared["genders_wished"]
    is_woman = table["gender"] == declared["gender"].levels.index("woman")
    by_women = pick(rng, field, {"woman": 94, "man": 4, "non_binary": 2}, size)
    by_others = pick(rng, field, {"woman": 40, "man": 54, "non_binary": 6}, size)
    genders = one_hot(np.where(is_woman, by_women, by_others), len(field.levels))
    genders[rng.random(size) >= np.where(is_woman, 0.38, 0.20)] = np.nan
    return {
        "genders_wished": genders,
        "languages_needed": tick_some(
            rng, declared["languages_needed"], LANGUAGES_WISHED, 0.05, size
        ),
        "languages_preferred": tick_some(
            rng, declared["languages_preferred"], LANGUAGES_WISHED, 0.09, size
        ),
        "culture_wished": tick_some(rng, declared["culture_wished"], COMMUNITIES, 0.14, size),
    }


def _request(rng: Random, declared: Fields, table: Table, size: int) -> Table:
    service = {"individual": 88, "couple": 6, "family": 2, "group": 1, "assessment": 3}
    modes = tick_named(
        rng, declared["modes_wanted"], {"in_person": 0.72, "video": 0.48, "phone": 0.15}, size
    )
    modes[modes.sum(axis=1) == 0] = np.nan
    needs = tick(rng, declared["access_needs"], ACCESS_NEEDS, size)
    reports = {
        "gp_letter": 0.10,
        "ndis_report": 0.05,
        "workcover_report": 0.04,
        "court_report": 0.01,
        "school_report": 0.02,
    }
    forms = {"after_session_private": 45, "clinician_present": 15, "remote": 40}
    return {
        "service": pick(rng, declared["service"], service, size),
        "modes_wanted": modes,
        "home": near_suburbs(rng, rng.integers(len(SUBURBS), size=size), 0.025),
        "max_km": rng.choice([10.0, 15.0, 20.0, 30.0, 40.0, 60.0], size),
        "access_needs": needs,
        "reports_needed": tick(rng, declared["reports_needed"], reports, size),
        "collection_mode": pick(rng, declared["collection_mode"], forms, size),
        "model_consent": flip(rng, 0.97, size),
    }


def _money(rng: Random, declared: Fields, _: Table, size: int) -> Table:
    funding = {
        "medicare": 56,
        "private": 20,
        "ndis": 9,
        "dva": 3,
        "workcover": 5,
        "ctp": 3,
        "eap": 4,
    }
    field = declared["funding"]
    pays = pick(rng, field, funding, size)
    own = np.isin(pays, [field.levels.index("medicare"), field.levels.index("private")])
    medicare = pays == field.levels.index("medicare")
    fee = np.where(own, rng.choice([220.0, 250.0, 280.0, 300.0, 350.0], size), np.nan)
    gap = np.where(medicare, rng.choice([80.0, 100.0, 120.0, 150.0, 180.0], size), np.nan)
    return {
        "funding": pays,
        "registrations_accepted": tick_some(
            rng, declared["registrations_accepted"], {"clinical_psychologist": 1}, 0.08, size
        ),
        "max_fee": fee * 100,
        "max_gap": gap * 100,
        "sessions_wished": rng.choice([6.0, 8.0, 10.0, 12.0, 20.0], size),
    }


def _time(rng: Random, _: Fields, __: Table, size: int) -> Table:
    needs = flip(rng, 0.22, size)
    hours = weekly_windows(
        rng,
        np.where(needs > 0, 0.06, 0.35)[:, None],
        np.where(needs > 0, 0.6, 0.25),
        size,
    )
    return {
        "hours_free": hours,
        "after_hours_needed": needs,
        "max_wait_days": rng.choice([21.0, 28.0, 42.0, 60.0, 90.0], size),
        "session_minutes": rng.choice([30.0, 50.0, 60.0], size, p=[0.05, 0.80, 0.15]),
    }
