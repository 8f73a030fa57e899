"""What an intake and a personnel file hold beside what alliance depends on: papers, money, limits.

Nothing here enters the truth or the choice of a clinician, and all of it is drawn from streams of
its own, so that worlds made before a field existed are the same worlds.
"""

import numpy as np
from numpy.typing import NDArray

from experiments.simulated_practice.draws import (
    Array,
    Random,
    Table,
    blank,
    flip,
    one_hot,
    pick,
    tick,
    tick_some,
)
from experiments.simulated_practice.settings import Settings
from recommender.practice.definition import Practice
from recommender.values.kinds import EPOCH

PAPERWORK = 20
"""Number of the stream; the world's other streams are 0 to 13."""
SCHEMES = ("dva", "workcover", "ctp")

STATES = {"nsw": 955, "act": 15, "vic": 12, "qld": 12, "wa": 3, "sa": 3}
ZONE_OF_STATE = {
    "vic": "Australia/Melbourne",
    "qld": "Australia/Brisbane",
    "wa": "Australia/Perth",
    "sa": "Australia/Adelaide",
    "tas": "Australia/Hobart",
    "nt": "Australia/Darwin",
    "outside_australia": "Pacific/Auckland",
}
"""Zones that are not the practice's own."""

COMPETENT = {
    "suicide_safety_planning": 0.75,
    "eating_disorder_medical": 0.18,
    "psychosis": 0.20,
    "perinatal": 0.25,
    "family_violence": 0.35,
    "forensic": 0.12,
}

LEFT_EMPTY_OF_CLIENTS_PAPERS = {
    "referral_held": 0.04,
    "rebates_left": 0.10,
    "ndis_management": 0.08,
    "concession_card": 0.15,
    "no_gap_needed": 0.20,
    "jurisdiction": 0.03,
    "timezone": 0.05,
    "waitlist_ok": 0.40,
    "session_interval_days": 0.45,
    "coordination_wished": 0.30,
    "family_involved": 0.30,
    "competencies_needed": 0.05,
}

LEFT_EMPTY_OF_CLINICIANS_PAPERS = {
    "shown_first_percent": 0.10,
    "competencies": 0.03,
    "uses_interpreters": 0.10,
    "telehealth_jurisdictions": 0.02,
    "weeks_free": 0.10,
    "bulk_bills": 0.05,
    "coordinates_care": 0.05,
    "involves_family": 0.05,
}


def of_clients(
    rng: Random, settings: Settings, practice: Practice, clients: Table, first_session: Array
) -> Table:
    """The rest of the intakes of these clients.

    Parameters
    ----------
    clients
        What `enrol` drew of them.
    first_session
        Day of the history on which each first met a clinician, (n,).
    """
    size = len(clients["age_years"])
    papers: Table = {
        **_entitlements(rng, practice, clients, size),
        **_whereabouts(rng, practice, size),
        **_requirements(rng, practice, clients, size),
        **_means(rng, size),
        "start_on": _start(rng, settings, first_session),
        "waitlist_ok": flip(rng, 0.15, size),
        "session_interval_days": rng.choice([7.0, 14.0, 28.0], size, p=[0.5, 0.4, 0.1]),
        "coordination_wished": flip(rng, 0.40, size),
        "family_involved": flip(rng, np.where(clients["age_years"] < 18, 0.90, 0.06), size),
    }
    blank(rng, papers, LEFT_EMPTY_OF_CLIENTS_PAPERS)
    return papers


def of_clinicians(
    rng: Random, settings: Settings, practice: Practice, staff: Table, here: NDArray[np.bool_]
) -> Table:
    """The rest of the personnel files, nearly complete.

    Parameters
    ----------
    staff
        What `employ` drew of them.
    here
        Who still works here on the day of the export, (C,).
    """
    size, declared = len(here), practice.clinician
    papers: Table = {
        **_standing(rng, settings, staff, here),
        **_approvals(rng, practice, staff, size),
        "competencies": tick(rng, declared["competencies"], COMPETENT, size),
        "uses_interpreters": flip(rng, 0.40, size),
        "timezone": np.full(size, declared["timezone"].levels.index(practice.timezone), float),
        "telehealth_jurisdictions": _reach(rng, practice, size),
        "weeks_free": rng.binomial(6, rng.beta(4, 1.5, size)).astype(np.float64),
        "shortest_interval_days": rng.choice([7.0, 14.0, 21.0], size, p=[0.65, 0.30, 0.05]),
        "concession_fee": _reduced(rng, staff["fee"]),
        "bulk_bills": flip(rng, 0.08, size),
        "coordinates_care": flip(rng, 0.80, size),
        "involves_family": flip(rng, np.where(staff["min_age"] < 18, 0.90, 0.40), size),
    }
    blank(rng, papers, LEFT_EMPTY_OF_CLINICIANS_PAPERS)
    return papers


def _entitlements(rng: Random, practice: Practice, clients: Table, size: int) -> Table:
    """Referrals and plans, of those whom a scheme asks for them."""
    schemes = practice.client["funding"].levels
    medicare = clients["funding"] == schemes.index("medicare")
    ndis = clients["funding"] == schemes.index("ndis")
    left = np.where(rng.random(size) < 0.6, 10.0, rng.integers(1, 10, size))
    left[rng.random(size) < 0.02] = 0.0
    managed = {"self_managed": 30, "plan_managed": 50, "agency_managed": 20}
    plan = pick(rng, practice.client["ndis_management"], managed, size)
    return {
        "referral_held": np.where(medicare, flip(rng, 0.96, size), np.nan),
        "rebates_left": np.where(medicare, left, np.nan),
        "ndis_management": np.where(ndis, plan, np.nan),
        "concession_card": flip(rng, 0.20, size),
        "no_gap_needed": np.where(medicare, flip(rng, 0.07, size), np.nan),
    }


def _whereabouts(rng: Random, practice: Practice, size: int) -> Table:
    """The state a client is in, and the zone that goes with it."""
    field, zones = practice.client["jurisdiction"], practice.client["timezone"].levels
    state = pick(rng, field, STATES, size)
    of_state = [zones.index(ZONE_OF_STATE.get(each, practice.timezone)) for each in field.levels]
    return {
        "jurisdiction": state,
        "timezone": np.array(of_state, dtype=np.float64)[state.astype(np.intp)],
    }


def _requirements(rng: Random, practice: Practice, clients: Table, size: int) -> Table:
    """What few ask for: a concern that must be treated, training, competencies, seniority."""
    must = one_hot(clients["main_concern"], len(practice.client["concerns_must"].levels))
    must[rng.random(size) >= 0.02] = np.nan
    trained = rng.choice([2.0, 3.0], size)
    trained[np.isnan(clients["modalities_must"][:, 0]) | (rng.random(size) >= 0.3)] = np.nan
    speaks = np.where(np.isnan(clients["languages_needed"][:, 0]), np.nan, flip(rng, 0.4, size))
    years = rng.choice([5.0, 10.0], size)
    years[rng.random(size) >= 0.03] = np.nan
    return {
        "concerns_must": must,
        "training_wished": trained,
        "interpreter_ok": speaks,
        "experience_wished": years,
        "competencies_needed": _competencies_needed(rng, practice, clients, size),
    }


def _competencies_needed(rng: Random, practice: Practice, clients: Table, size: int) -> Array:
    field, risk = practice.client["competencies_needed"], clients["risk_level"]
    rare = {"psychosis": 1, "perinatal": 4, "family_violence": 4, "forensic": 1}
    needed = np.nan_to_num(tick_some(rng, field, rare, 0.03, size))
    heavy = risk >= practice.client["risk_level"].levels.index("level_4")
    needed[heavy, field.levels.index("suicide_safety_planning")] = 1.0
    eating = clients["main_concern"] == practice.client["main_concern"].levels.index("eating")
    watched = eating & (rng.random(size) < 0.3)
    needed[watched, field.levels.index("eating_disorder_medical")] = 1.0
    return needed


def _means(rng: Random, size: int) -> Table:
    budget = rng.choice([800.0, 1_200.0, 1_600.0, 2_400.0], size) * 100
    budget[rng.random(size) >= 0.04] = np.nan
    return {"budget": budget}


def _start(rng: Random, settings: Settings, first_session: Array) -> Array:
    """The wished day, stated by few: up to four weeks before they met."""
    first_day = settings.first_day.toordinal() - EPOCH
    wished = first_day + first_session - rng.integers(0, 28, len(first_session))
    return np.where(rng.random(len(first_session)) < 0.05, wished, np.nan)


def _standing(rng: Random, settings: Settings, staff: Table, here: NDArray[np.bool_]) -> Table:
    size, today = len(here), settings.exported_on.toordinal() - EPOCH
    seen, places = np.nan_to_num(staff["caseload"], nan=24.0), staff["places_open"]
    # Some keep places back for clients who return.
    kept = np.where(rng.random(size) < 0.15, rng.integers(1, 4, size), 0)
    first = rng.gamma(0.8, 1.0, size) * here
    return {
        "active": here.astype(np.float64),
        "registered_from": today - np.rint(365.25 * (staff["experience_years"] + rng.random(size))),
        "practice_restricted": np.zeros(size),
        "caseload_most": np.where(here, seen + places + kept, 25.0),
        "shown_first_percent": np.where(here, np.round(100 * first / first.sum(), 1), np.nan),
    }


def _approvals(rng: Random, practice: Practice, staff: Table, size: int) -> Table:
    """Approved for most of the schemes they take; some who take the NDIS are registered with it."""
    taken, levels = staff["funding_accepted"], practice.clinician["funding_accepted"].levels
    approved = np.zeros((size, len(SCHEMES)))
    for scheme in SCHEMES:
        place = practice.clinician["scheme_approvals"].levels.index(scheme)
        approved[:, place] = flip(rng, 0.92 * taken[:, levels.index(scheme)], size)
    ndis = taken[:, levels.index("ndis")]
    return {"scheme_approvals": approved, "ndis_registered": flip(rng, 0.5 * ndis, size)}


def _reach(rng: Random, practice: Practice, size: int) -> Array:
    """Registration is national; a few keep to their own state, a few also see people abroad."""
    levels = practice.clinician["telehealth_jurisdictions"].levels
    reach = np.ones((size, len(levels)))
    reach[rng.random(size) < 0.05] = np.array([float(level == "nsw") for level in levels])
    reach[:, levels.index("outside_australia")] = flip(rng, 0.1, size)
    return reach


def _reduced(rng: Random, fee: Array) -> Array:
    """About a fifth less for those who offer it, in steps of five dollars; the rest have none."""
    lower = np.rint(0.8 * fee / 500) * 500
    return np.where(rng.random(len(fee)) < 0.4, lower, np.nan)
