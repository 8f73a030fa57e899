"""The shortlists of many clients in one pass are those of each client alone."""

from collections.abc import Callable

import numpy as np
import pytest

from recommender.model.alliance_model import AllianceModel
from recommender.recommendation.many_shortlists import BREAKS, shortlist_table
from recommender.recommendation.recommend import Intake, recommend
from recommender.recommendation.scored_batch import score_batches
from recommender.values.limits import MAX_TOP_K
from tests.support.builders import DAY, a_model, a_roster, as_sure, some_people, under

MODELS: dict[str, Callable[[], AllianceModel]] = {
    "as it is": a_model,
    "more certain": lambda: as_sure(0.05),
    "of no certainty": lambda: as_sure(20.0),
    "with last places": lambda: under(a_model(), "keep_last_places = 2"),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("top_k", [1, 3, MAX_TOP_K])
def test_every_entry_equals_that_of_a_single_request(name: str, top_k: int) -> None:
    model = MODELS[name]()
    encoding, people = model.encode_roster(a_roster()), some_people(30)
    (batch,) = score_batches(people.ids, people.columns, encoding, model, DAY)
    shown = shortlist_table(batch, encoding, top_k)
    reserved = batch.screened.reserved(shown.client, shown.clinician)
    constraints = batch.screened.layout.constraints
    for place, client_id in enumerate(people.ids):
        intake = Intake(people.columns.row(place), client_id, ())
        alone = recommend(intake, encoding, model, day=DAY, top_k=top_k).shortlist
        own = np.flatnonzero(shown.client == place)
        found = [
            (
                int(shown.rank[row]),
                encoding.roster.ids[shown.clinician[row]],
                *(None if np.isnan(each) else each for each in shown.points[:, row].tolist()),
                int(shown.tie[row]) or None,
                None if np.isnan(shown.ahead[row]) else float(shown.ahead[row]),
                BREAKS[shown.broken_by[row]],
                [constraints[at].name for at in np.flatnonzero(reserved[row])],
            )
            for row in own.tolist()
        ]
        assert found == [
            (
                each.rank,
                each.clinician_id,
                each.predicted,
                each.lower,
                each.upper,
                each.tie,
                each.ahead,
                each.tie_broken_by,
                [reason.constraint for reason in each.reservations],
            )
            for each in alone
        ]
