"""The statistical ceiling: a Bayesian fit that knows the simulator's forms.

It knows which functions of the tables make a client's and a pair's alliance, and about which share
of variance each part has; it learns their sizes and signs, the clinicians' own part and their skill
with each main concern from the same ratings as every learner. What it does not reach, no learner
without other knowledge can be expected to reach on these ratings. Sizes from the literature are
other knowledge: with few ratings they can do better.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from experiments.bake_off.answer import Answer, order_only
from experiments.bake_off.arena import Arena
from experiments.known_truth import Floats
from experiments.simulated_practice.alliance import components, overlap
from experiments.simulated_practice.draws import Table
from experiments.simulated_practice.tables import pairing_ids
from experiments.simulated_practice.world import World
from recommender.model.mixed.blocks import Block, DenseBlock, IndexBlock, Ints
from recommender.model.mixed.fit import fit_mixed

CEILING = "ceiling"
WHOLE = ("style", "modality", "gender")
"""Components of the pair that are one form each; the others are taken apart."""
INTAKE = ("expectancy", "social_support", "k10")
"""Numbers of the intake that the client's part reads, beside the three levels below."""


def ceiling(arena: Arena) -> Answer:
    """Learns the sizes of the true forms from the trial's ratings and scores what is asked."""
    world, trial = arena.world, arena.trial
    place = {pairing: row for row, pairing in enumerate(pairing_ids(world))}
    learned = np.array([place[each] for each in trial.dataset.pairing_ids[trial.train]])
    history, tests = world.history, world.test_clients
    client, clinician = history.pairings.client[learned], history.pairings.clinician[learned]
    of_test = dict(pair_forms(world, tests))
    means = {name: values.mean(axis=0) for name, values in of_test.items()}
    columns = [
        (values - means[name])[client, clinician]
        for name, values in pair_forms(world, history.clients)
    ]
    spread = np.array([column.std() or 1.0 for column in columns])
    seen = clinician_forms(world)
    concern = _concern(history.clients)
    blocks = _blocks(
        np.column_stack(columns) / spread, seen[clinician], clinician, concern[client], world
    )
    about = DenseBlock("client", client_forms(world, history.clients)[client])
    fitted = fit_mixed(
        trial.label,
        [about, *blocks],
        group=client.astype(np.int64),
        expected=expected_shares(world),
    )
    row, column = arena.row, arena.column
    asked = np.column_stack([(of_test[name] - means[name])[row, column] for name in of_test])
    terms = fitted.terms(_blocks(asked / spread, seen[column], column, _concern(tests)[row], world))
    return order_only(np.asarray(sum(terms.values())))


def expected_shares(world: World) -> dict[str, float]:
    """The true share of variance of each block, in units of what no table knows."""
    settings, shares = world.settings, world.settings.shares
    dyad = settings.dyad
    weights = {name: getattr(dyad, name) for name in components_of(world)}
    skill = weights["skill"] / sum(weights.values())
    true = {
        "client": shares.client * settings.client_visible,
        "pair": shares.dyad * (1 - skill),
        "skill": shares.dyad * skill,
        "seen": shares.clinician * settings.clinician_visible,
        "clinicians": shares.clinician * (1 - settings.clinician_visible),
    }
    rest = shares.idiosyncratic + shares.occasion
    return {name: share / rest for name, share in true.items() if share > 0}


def components_of(world: World) -> tuple[str, ...]:
    """Names of the simulator's components of a pair."""
    return tuple(world.alliance.scales)


def pair_forms(world: World, clients: Table) -> Iterator[tuple[str, Floats]]:
    """Name and values (clients, clinicians) of every form of the pair, rows centred on 0."""
    staff, practice = world.staff.table, world.practice
    whole = components(clients, staff, practice, world.alliance.skill, world.settings.dyad)
    for name in WHOLE:
        yield name, _within_client(whole[name])
    shared = {
        "languages_needed": "languages",
        "languages_preferred": "languages",
        "culture_wished": "cultural_experience",
        "concerns": "concerns_confident",
    }
    for ours, theirs in shared.items():
        yield ours, _within_client(overlap(clients[ours], staff[theirs]))
    main, sure = clients["main_concern"], np.nan_to_num(staff["concerns_confident"])
    confident = sure.T[_concern(clients)] * ~np.isnan(main)[:, None]
    yield "main_concern", _within_client(confident)
    for number, (one, other) in enumerate(zip(*_rules(world, clients), strict=True)):
        yield f"rule_{number}", _within_client(np.outer(one, other))


def client_forms(world: World, clients: Table) -> Floats:
    """What the client's part of the simulator is made of, standardised, (clients, forms)."""
    prior = world.practice.client["prior_therapy"].levels
    remote = world.practice.client["collection_mode"].levels.index("remote")
    distress = np.nan_to_num(clients["k10"] - 28)
    forms = [
        *(np.nan_to_num(clients[name] - np.nanmean(clients[name])) for name in INTAKE),
        clients["prior_therapy"] == prior.index("unhelpful"),
        clients["prior_therapy"] == prior.index("helpful"),
        clients["collection_mode"] == remote,
        (distress > 7) & (np.nan_to_num(clients["social_support"] - 1.0) < 0),
    ]
    values = np.column_stack(forms).astype(np.float64)
    return np.asarray((values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-9))


def clinician_forms(world: World) -> Floats:
    """The attributes that the simulator's clinician part reads, standardised, (clinicians, 3)."""
    staff = world.staff.table
    forms = (np.log1p(staff["experience_years"]), staff["style_support"])
    return np.column_stack([*map(_standard, forms), _standard(staff["modalities"].sum(axis=1))])


def _blocks(
    pair: Floats, seen: Floats, clinician: Ints, concern: Ints, world: World
) -> list[Block]:
    size, concerns = world.alliance.skill.shape
    code = clinician.astype(np.int64)
    return [
        DenseBlock("pair", pair),
        DenseBlock("seen", seen),
        IndexBlock("clinicians", code, size),
        IndexBlock("skill", code * concerns + concern, size * concerns),
    ]


def _concern(clients: Table) -> Ints:
    return np.nan_to_num(clients["main_concern"]).astype(np.int64)


def _rules(world: World, clients: Table) -> tuple[list[Floats], list[Floats]]:
    """Both sides of the seven rules that no match of the practice compares."""
    staff, levels = world.staff.table, world.practice.client
    trauma = levels["concerns"].levels.index("trauma")
    unhelpful = levels["prior_therapy"].levels.index("unhelpful")
    ours = [
        np.nan_to_num(clients["concerns"][:, trauma], nan=0.18) - 0.18,
        _rule(clients["k10"], clients["k10"] >= 30, 0.41),
        _rule(clients["prior_therapy"], clients["prior_therapy"] == unhelpful, 0.12),
        _rule(clients["gad7"], clients["gad7"] >= 15, 0.24),
        np.nan_to_num(clients["expectancy"] - 6.6),
        np.nan_to_num(clients["social_support"] - 1.0),
        np.nan_to_num(clients["concern_duration"] - 1.6),
    ]
    support = staff["style_support"]
    theirs = [
        staff["training_emdr"] >= 2,
        staff["experience_years"] >= 10,
        np.where(np.isnan(support), np.nan, support > 4),
        staff["training_act"] >= 2,
        staff["style_directiveness"],
        staff["style_emotion"],
        staff["training_schema"],
    ]
    return ours, [_standard(each) for each in theirs]


def _rule(answers: Floats, holds: NDArray[np.bool_], usual: float) -> Floats:
    return np.where(np.isnan(answers), 0.0, holds - usual)


def _standard(values: Floats) -> Floats:
    known = values[~np.isnan(values)].astype(np.float64)
    return np.asarray(np.nan_to_num((values - known.mean()) / (known.std() or 1.0)))


def _within_client(values: Floats) -> Floats:
    return np.asarray(values - values.mean(axis=1, keepdims=True))
