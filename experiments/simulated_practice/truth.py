"""What nobody can know: every test client's alliance with every clinician, and logged chances.

Kept in a folder of its own that no learner may read; evaluation alone opens it.
"""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.simulated_practice.forms import FORMS, Likert, expected_mean
from experiments.simulated_practice.tables import pairing_ids
from experiments.simulated_practice.world import World

REFERENCE = "wai_sr"


def truth_arrays(world: World, test_ids: list[str]) -> dict[str, NDArray[Any]]:
    """Truth by name; n test clients, C clinicians in the order of their table, p pairings.

    - `client_id` (n,), `clinician_id` (C,), `feasible` (n, C).
    - `expected_latent` (n, C): client + clinician + dyad parts, in standard deviations of one
      session's alliance; the unpredictable parts average out.
    - `expected_reference` (n, C): the same as expected WAI-SR mean (1 to 5) at session 3.
    - `observable` (n, C): clinician + dyad parts, all that can change an order.
    - `client_part`, `client_visible` (n,): the latter is what intake explains; `client_part` adds
      one draw of the rest.
    - `clinician_part` (C,): on the last day of the history. `dyad_part` (n, C).
    - `pairing_id`, `pairing_propensity`, `pairing_client_part`, `pairing_clinician_part`,
      `pairing_dyad_part`, `pairing_idiosyncratic_part`, `pairing_left_early`, `pairing_rated` (p,).
    """
    alliance, settings = world.alliance, world.settings
    rng = np.random.default_rng([settings.seed, 13])
    visible = alliance.client_visible(world.test_clients)
    client = visible + alliance.client_hidden(rng, len(visible))
    clinician = alliance.effect[-1]
    dyad = alliance.dyad(world.test_clients)
    observable = clinician + dyad
    latent = client[:, None] + observable
    return {
        "client_id": np.array(test_ids),
        "clinician_id": np.array(world.staff.ids),
        "feasible": world.feasible,
        "expected_latent": latent,
        "expected_reference": on_reference(world, latent),
        "observable": observable,
        "client_part": client,
        "client_visible": visible,
        "clinician_part": clinician,
        "dyad_part": dyad,
        **_of_pairings(world),
    }


def on_reference(world: World, latent: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected WAI-SR mean (1 to 5) for the known part of an alliance, same shape."""
    settings = world.settings
    form = FORMS[REFERENCE]
    # The reference form is answered in categories; the line-marked one has no thresholds.
    if not isinstance(form, Likert):
        raise TypeError(f"{REFERENCE} is not answered in categories")
    interval = float(np.sqrt(settings.shares.idiosyncratic + settings.shares.occasion))
    return expected_mean(form, latent, interval, (settings.straight, settings.straight_high))


def _of_pairings(world: World) -> dict[str, NDArray[Any]]:
    block = world.history
    parts = asdict(block.pairings)
    names = ("propensity", "client_part", "clinician_part", "dyad_part", "idiosyncratic_part")
    return {
        "pairing_id": np.array(pairing_ids(world)),
        **{f"pairing_{name}": parts[name] for name in names},
        "pairing_left_early": block.course.left_early,
        "pairing_rated": block.rated,
    }
