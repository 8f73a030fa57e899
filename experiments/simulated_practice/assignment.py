"""Assignment: staff choose among the free, partly by fit, with a recorded probability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.simulated_practice.alliance import overlap
from experiments.simulated_practice.city import road_km
from experiments.simulated_practice.clinicians import Staff
from experiments.simulated_practice.draws import Array, Random, Table
from recommender.practice.definition import Practice

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Custom:
    """How this practice's staff tend to choose.

    Attributes
    ----------
    strength
        Multiplies all they go by; 0 is a random choice among the free.
    demand
        Standing of each clinician with staff, in logits, (C,).
    busy
        Probability that a clinician is free when asked, (C,).
    seniority
        Experience in standard deviations, (C,).
    """

    strength: float
    demand: Array
    busy: Array
    seniority: Array


def customs(rng: Random, staff: Staff, quality: Array, strength: float) -> Custom:
    """Staff's ways, drawn once a world; `quality` is each clinician's true part, (C,)."""
    size = len(staff.names)
    years = staff.table["experience_years"]
    interval = quality.std()
    seen = 0.4 * quality / interval if interval > 0 else np.zeros(size)
    return Custom(
        strength=strength,
        demand=seen + rng.normal(0.0, 0.45, size),
        busy=np.clip(rng.normal(0.5, 0.18, size), 0.12, 0.88),
        seniority=(years - years.mean()) / max(float(years.std()), 1e-9),
    )


def free(
    rng: Random, staff: Staff, custom: Custom, practice: Practice, clients: Table, day: Array
) -> Mask:
    """Clinicians who could be chosen for each client on the day, (n, C), never none.

    There, free, seeing clients of that age, offering the service and taking the funding. When
    nobody is left, whoever is there that day.
    """
    there = (staff.joined <= day[:, None]) & (day[:, None] < staff.left)
    table = staff.table
    age = clients["age_years"][:, None]
    able = there & (table["min_age"] <= age) & (age <= table["max_age"])
    for ours, theirs in (("service", "services"), ("funding", "funding_accepted")):
        able &= table[theirs].T[clients[ours].astype(np.intp)] > 0
    open_ = able & (rng.random(able.shape) < custom.busy)
    open_ = np.where(open_.any(axis=1, keepdims=True), open_, able)
    return np.where(open_.any(axis=1, keepdims=True), open_, there)


def appeal(
    rng: Random, staff: Staff, custom: Custom, practice: Practice, clients: Table, hidden: Array
) -> Array:
    """What staff go by for each pair, in logits, (n, C).

    0.5 fit + 0.7 soonness - 0.3 distance, each in standard deviations or so, plus the clinician's
    standing, plus two pulls towards experience: by distress, and by a difficulty only staff notice
    (a low hidden client part), which is what makes the choice informative.
    """
    fit = _intuition(staff.table, practice, clients)
    soon = rng.normal(0.0, 1.0, fit.shape)
    km = np.nan_to_num(road_km(clients["home"], staff.table["rooms"]) / 15, nan=1.0)
    distress = np.nan_to_num((clients["k10"] - 28) / 7)
    interval = max(float(hidden.std()), 1e-9)
    pull = 0.25 * distress - 0.25 * hidden / interval
    logits = 0.5 * fit + 0.7 * soon - 0.3 * km + custom.demand + pull[:, None] * custom.seniority
    return np.asarray(custom.strength * logits)


def choose(rng: Random, logits: Array, allowed: Mask) -> tuple[NDArray[np.intp], Array]:
    """The chosen clinician of each row and the probability with which they were, (n,) each."""
    masked = np.where(allowed, logits, -np.inf)
    weights = np.exp(masked - masked.max(axis=1, keepdims=True))
    chance = weights / weights.sum(axis=1, keepdims=True)
    # The largest of logits plus Gumbel noise is a draw from the softmax.
    chosen = np.argmax(masked + rng.gumbel(size=masked.shape), axis=1)
    return chosen, chance[np.arange(len(chosen)), chosen]


def _intuition(clinicians: Table, practice: Practice, clients: Table) -> Array:
    """Language, gender and specialty as staff weigh them without a model."""
    levels = practice.clinician["gender"].levels
    has = (clinicians["gender"][:, None] == np.arange(len(levels))).astype(np.float64)
    gender = np.nan_to_num(clients["genders_wished"]) @ has.T
    language = overlap(clients["languages_needed"], clinicians["languages"])
    specialty = overlap(clients["concerns"], clinicians["concerns_confident"])
    wanted = overlap(clients["modalities_wanted"], clinicians["modalities"])
    return np.asarray(4.0 * gender + 8.0 * language + 1.5 * specialty + 1.0 * wanted)
