"""The clients of a trial as arrays, with early ratings on one scale."""

from collections.abc import Sequence

import numpy as np

from recommender.alliance.linking import InstrumentLinker
from recommender.journal.trials import TrialClient
from recommender.monitoring.early_ratings import points_on_scale
from recommender.practice.definition import Practice
from recommender.trial.protocol import TrialClients
from recommender.trial.randomisation import MODEL


def clients_of_trial(clients: Sequence[TrialClient], practice: Practice) -> TrialClients:
    """The clients as `recommender.trial` analyses them, in the order given.

    Instruments are linked by the moments they declare: links that are learned from ratings would
    change from look to look.
    """
    settings = practice.alliance
    linker = InstrumentLinker.declared(practice.instruments, settings.reference, settings.metric)
    begun = [each.pairing for each in clients]
    rated = [each for each in begun if each is not None and each.ratings]
    points = points_on_scale(rated, practice, linker)
    rating = np.array([points.get(each.pairing_id, np.nan) if each else np.nan for each in begun])
    whom = [each.clinician_id if each else "" for each in begun]
    known = sorted({*whom} - {""})
    number = {name: place for place, name in enumerate(known)} | {"": -1}
    ended = np.array([each.ended_on is not None for each in clients], dtype=np.bool_)
    first = [each.model_order[0] for each in clients]
    return TrialClients(
        arm=np.array([each.arm == MODEL for each in clients], dtype=np.float64),
        rating=rating.astype(np.float64),
        client_part=np.array([each.client_part for each in clients], dtype=np.float64),
        clinician=np.array([number[name] for name in whom], dtype=np.intp),
        left=ended & np.isnan(rating.astype(np.float64)),
        followed=np.array([a == b for a, b in zip(whom, first, strict=True)], dtype=np.bool_),
    )
