"""The truth: how strong the alliance of any client with any clinician would be.

Latent units: one session's alliance has variance 1 over random pairs. What the tables show enters
as the tables show it: an answer nobody gave has no effect, so an observable oracle can be reached.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.simulated_practice.draws import Array, Random, Table
from experiments.simulated_practice.settings import Dyad, Settings
from recommender.practice.definition import Practice

STYLE = {
    "cnip_directiveness": "style_directiveness",
    "cnip_emotion": "style_emotion",
    "cnip_past": "style_past",
    "cnip_support": "style_support",
}
STYLE_WEIGHTS = (0.35, 0.25, 0.20, 0.20)
TRAINED = ("cbt", "act", "emdr", "schema")


@dataclass(frozen=True, slots=True)
class Alliance:
    """The systematic alliance of every pair, in latent standard deviations.

    Attributes
    ----------
    settings, practice
        What was asked for, and the definition whose fields it reads.
    clinicians
        Their encoded fields, C rows.
    skill
        Each clinician's skill with each main concern, (C, concerns).
    effect
        Each clinician's part by month, (months + 1, C).
    visible_mean, visible_scale
        Turn the client's raw intake part into its share.
    column_means, scales
        By component of the pair: what is taken off each clinician, and what it is multiplied by,
        found on reference clients so that the shares come out as asked.
    """

    settings: Settings
    practice: Practice
    clinicians: Table
    skill: Array
    effect: Array
    visible_mean: float
    visible_scale: float
    column_means: Mapping[str, Array]
    scales: Mapping[str, float]

    def client_visible(self, clients: Table) -> Array:
        """The client's part that intake explains, (n,)."""
        return (_intake_part(clients, self.practice) - self.visible_mean) * self.visible_scale

    def client_hidden(self, rng: Random, size: int) -> Array:
        """Client parts that no field explains, (n,)."""
        share = self.settings.shares.client * (1 - self.settings.client_visible)
        return rng.normal(0.0, np.sqrt(share), size)

    def clinician(self, day: Array) -> Array:
        """Each clinician's part on the given days of the history, (n, C)."""
        month = np.clip(day / 30.4375, 0, self.settings.months).astype(np.intp)
        return self.effect[month]

    def dyad(self, clients: Table) -> Array:
        """The systematic part of each client with each clinician, (n, C); rows average 0."""
        raw = components(clients, self.clinicians, self.practice, self.skill, self.settings.dyad)
        total = np.zeros((len(clients["age_years"]), len(self.skill)))
        for name, values in raw.items():
            total += (_within_client(values) - self.column_means[name]) * self.scales[name]
        return total


def establish(
    rng: Random, settings: Settings, practice: Practice, clinicians: Table, reference: Table
) -> Alliance:
    """The truth of a world, its shares set on `reference` clients drawn like all others."""
    size = settings.clinicians
    skill = rng.normal(0.0, 1.0, (size, len(practice.client["main_concern"].levels)))
    effect = _clinician_effects(rng, settings, clinicians)
    intake = _intake_part(reference, practice)
    share = settings.shares.client * settings.client_visible
    raw = components(reference, clinicians, practice, skill, settings.dyad)
    centred = {name: _within_client(values) for name, values in raw.items()}
    means = {name: values.mean(axis=0) for name, values in centred.items()}
    return Alliance(
        settings=settings,
        practice=practice,
        clinicians=clinicians,
        skill=skill,
        effect=effect,
        visible_mean=float(intake.mean()),
        visible_scale=float(np.sqrt(share) / intake.std()),
        column_means=means,
        scales=_scales({name: centred[name] - means[name] for name in centred}, settings),
    )


def components(
    clients: Table, clinicians: Table, practice: Practice, skill: Array, dyad: Dyad
) -> dict[str, Array]:
    """The parts a pair is made of before they are centred and weighed, each (n, C)."""
    main = clients["main_concern"]
    known = ~np.isnan(main)
    skilled = skill.T[np.nan_to_num(main).astype(np.intp)] * known[:, None]
    style = _style_distance if dyad.near is None else _style_near(dyad.near)
    return {
        "style": style(clients, clinicians, practice),
        "modality": _modality(clients, clinicians, practice),
        "gender": _gender(clients, clinicians, practice),
        "language_culture": _language_culture(clients, clinicians),
        "specialty": _specialty(clients, clinicians),
        "skill": skilled,
        "nonlinear": _beyond_matches(clients, clinicians, practice),
    }


def overlap(wished: Array, offered: Array) -> Array:
    """Share of each client's tags that each clinician has, (n, C); 0 where none were named."""
    named = np.nan_to_num(wished)
    return np.asarray(named @ np.nan_to_num(offered).T / np.maximum(named.sum(1), 1)[:, None])


def _style_gaps(clients: Table, clinicians: Table, practice: Practice) -> list[Array]:
    gaps = []
    for ours, theirs in STYLE.items():
        wish = practice.client[ours].on_unit_range(clients[ours])
        way = practice.clinician[theirs].on_unit_range(clinicians[theirs])
        gaps.append(wish[:, None] - way)
    return gaps


def _style_distance(clients: Table, clinicians: Table, practice: Practice) -> Array:
    gaps = _style_gaps(clients, clinicians, practice)
    pairs = zip(STYLE_WEIGHTS, gaps, strict=True)
    squared = [weight * np.nan_to_num(gap) ** 2 for weight, gap in pairs]
    return np.asarray(-np.sqrt(np.sum(squared, axis=0)))


def _style_near(near: float) -> Callable[[Table, Table, Practice], Array]:
    def style(clients: Table, clinicians: Table, practice: Practice) -> Array:
        gaps = _style_gaps(clients, clinicians, practice)
        return np.asarray(np.sum([np.abs(gap) < near for gap in gaps], axis=0, dtype=np.float64))

    return style


def _modality(clients: Table, clinicians: Table, practice: Practice) -> Array:
    """Wanted modalities offered, counted a third more where training is accredited."""
    levels = practice.clinician["modalities"].levels
    offered = clinicians["modalities"].copy()
    for modality in TRAINED:
        depth = np.nan_to_num(clinicians[f"training_{modality}"]) / 9
        offered[:, levels.index(modality)] *= 1 + depth
    return overlap(clients["modalities_wanted"], offered)


def _gender(clients: Table, clinicians: Table, practice: Practice) -> Array:
    levels = practice.clinician["gender"].levels
    has = clinicians["gender"][:, None] == np.arange(len(levels))
    return np.asarray(np.nan_to_num(clients["genders_wished"]) @ has.T.astype(np.float64))


def _language_culture(clients: Table, clinicians: Table) -> Array:
    needed = overlap(clients["languages_needed"], clinicians["languages"])
    preferred = overlap(clients["languages_preferred"], clinicians["languages"])
    culture = overlap(clients["culture_wished"], clinicians["cultural_experience"])
    return needed + 0.5 * preferred + 0.7 * culture


def _specialty(clients: Table, clinicians: Table) -> Array:
    confident = clinicians["concerns_confident"]
    main = np.nan_to_num(clients["main_concern"]).astype(np.intp)
    known = ~np.isnan(clients["main_concern"])
    sure = np.nan_to_num(confident).T[main] * known[:, None]
    return np.asarray(sure + 0.5 * overlap(clients["concerns"], confident))


def _beyond_matches(clients: Table, clinicians: Table, practice: Practice) -> Array:
    """Seven rules of a client's field and a clinician's that no match of the practice compares.

    Four are thresholds on both sides, three are products; each has the same weight.
    """
    level = {name: field.levels for name, field in practice.client.items()}
    trauma = clients["concerns"][:, level["concerns"].index("trauma")]
    prior = clients["prior_therapy"]
    unhelpful = _kept(prior, prior == level["prior_therapy"].index("unhelpful"))
    # Clients' centres and spreads are fixed numbers: a client's truth must not depend on who else
    # was drawn with them. A clinician's come from the roster, which a world keeps throughout.
    ours = np.column_stack(
        [
            _scaled(trauma, 0.18, 0.38),
            _scaled(_kept(clients["k10"], clients["k10"] >= 30), 0.41, 0.49),
            _scaled(unhelpful, 0.12, 0.33),
            _scaled(_kept(clients["gad7"], clients["gad7"] >= 15), 0.24, 0.43),
            _scaled(clients["expectancy"], 6.6, 1.9),
            _scaled(clients["social_support"], 1.0, 0.72),
            _scaled(clients["concern_duration"], 1.6, 1.0),
        ]
    )
    theirs = np.column_stack(
        [
            _standard(clinicians["training_emdr"] >= 2),
            _standard(clinicians["experience_years"] >= 10),
            _standard(_kept(clinicians["style_support"], clinicians["style_support"] > 4)),
            _standard(clinicians["training_act"] >= 2),
            _standard(clinicians["style_directiveness"]),
            _standard(clinicians["style_emotion"]),
            _standard(clinicians["training_schema"]),
        ]
    )
    return np.asarray(ours @ theirs.T)


def _kept(answers: Array, rule: NDArray[np.bool_]) -> Array:
    """A rule as 0 and 1 where it could be asked, else missing."""
    return np.where(np.isnan(answers), np.nan, rule)


def _scaled(values: Array, centre: float, interval: float) -> Array:
    return np.nan_to_num((values - centre) / interval)


def _standard(values: Array | NDArray[np.bool_]) -> Array:
    known = ~np.isnan(values)
    interval = np.std(values[known])
    scaled = (values - np.mean(values[known])) / (interval if interval > 0 else 1.0)
    return np.where(known, scaled, 0.0)


def _intake_part(clients: Table, practice: Practice) -> Array:
    """What the intake says about a client's rating of anybody; weights are invented."""
    prior = practice.client["prior_therapy"].levels
    expectancy = np.nan_to_num((clients["expectancy"] - 6.6) / 1.9)
    support = np.nan_to_num(clients["social_support"] - 1.0)
    distress = np.nan_to_num((clients["k10"] - 28) / 7)
    remote = practice.client["collection_mode"].levels.index("remote")
    return np.asarray(
        0.50 * expectancy
        + 0.35 * support
        - 0.25 * distress
        - 0.60 * (clients["prior_therapy"] == prior.index("unhelpful"))
        + 0.35 * (clients["prior_therapy"] == prior.index("helpful"))
        - 0.20 * (clients["collection_mode"] == remote)
        - 0.30 * (distress > 1) * (support < 0)
    )


def _clinician_effects(rng: Random, settings: Settings, clinicians: Table) -> Array:
    """Clinicians' parts by month: seen in attributes, lasting, and wandering, (months + 1, C)."""
    size, months = settings.clinicians, settings.months
    seen = _unit(
        0.5 * _standard(np.log1p(clinicians["experience_years"]))
        + 0.5 * _standard(clinicians["style_support"])
        + 0.3 * _standard(clinicians["modalities"].sum(axis=1))
    )
    lasting = _unit(rng.normal(0.0, 1.0, size))
    kept = np.exp(-1 / settings.memory_months)
    walk = rng.normal(0.0, 1.0, (months + 1, size))
    for month in range(1, months + 1):
        walk[month] = kept * walk[month - 1] + np.sqrt(1 - kept**2) * walk[month]
    rest = 1 - settings.clinician_visible - settings.drift
    effect = (
        np.sqrt(settings.clinician_visible) * seen
        + np.sqrt(rest) * lasting
        + np.sqrt(settings.drift) * walk
    )
    effect -= effect.mean(axis=1, keepdims=True)
    interval = effect.std(axis=1, keepdims=True)
    return np.asarray(effect * np.sqrt(settings.shares.clinician) / interval)


def _scales(centred: Mapping[str, Array], settings: Settings) -> dict[str, float]:
    """Multipliers that give each component its weight and their sum its share of variance."""
    weights = {name: float(getattr(settings.dyad, name)) for name in centred}
    scales = {
        name: np.sqrt(weights[name]) / max(float(values.std()), 1e-12)
        for name, values in centred.items()
    }
    total = np.zeros_like(next(iter(centred.values())))
    for name, values in centred.items():
        total += scales[name] * values
    stretch = np.sqrt(settings.shares.dyad) / total.std()
    return {name: float(scale * stretch) for name, scale in scales.items()}


def _within_client(values: Array) -> Array:
    return np.asarray(values - values.mean(axis=1, keepdims=True))


def _unit(values: Array) -> Array:
    return np.asarray((values - values.mean()) / values.std())
