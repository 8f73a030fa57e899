"""The two orders of a trial: the model's, and the usual one of the next free day.

Both hold the same clinicians to the same constraints, and show the same of each: staff and clients
cannot see from a list which order it is in.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.model.alliance_model import RosterEncoding
from recommender.plan.score_plan import ScoredPairs
from recommender.recommendation.shortlists import (
    ShortlistEntry,
    build_shortlists,
    unscored_entries,
    unscored_shortlist,
)
from recommender.screening.screening import Screening

Places = NDArray[np.intp]

TRIAL = "trial"
"""Mode of a recommendation whose order is under study."""


@dataclass(frozen=True, slots=True)
class TrialOrders:
    """What both orders would show, and which one is shown.

    Attributes
    ----------
    by_model
        Whether the model's order is shown.
    model_order, usual_order
        Ids of the clinicians of each shortlist, first rank first.
    client_part
        What the model predicts that this client would rate an average clinician, in points of the
        displayed scale.
    shortlist
        What is shown: without predictions, in either arm.
    """

    by_model: bool
    model_order: tuple[str, ...]
    usual_order: tuple[str, ...]
    client_part: float
    shortlist: tuple[ShortlistEntry, ...]


def trial_orders(
    encoding: RosterEncoding,
    screening: Screening,
    eligible: ScoredPairs,
    top_k: int,
    *,
    by_model: bool,
    seed: str | None,
) -> TrialOrders:
    """The orders of one client, who has at least two eligible clinicians.

    Parameters
    ----------
    eligible
        The client with the eligible clinicians, at least the strongest, in the order of the roster.
    seed
        Seed of random draws within ties; see `recommend`.
    """
    model = eligible.plan.model
    ((_, shown),) = build_shortlists(encoding, [screening], eligible, top_k, seed)
    ranked = unscored_entries(encoding, screening, eligible.clinician[shown])
    usual = unscored_shortlist(model.practice, encoding, screening, top_k)
    (client_part,) = model.linker.to_displayed(eligible.scores.client[:1]).tolist()
    return TrialOrders(
        by_model,
        tuple(each.clinician_id for each in ranked),
        tuple(each.clinician_id for each in usual),
        client_part,
        ranked if by_model else usual,
    )
