"""A request in a notebook is the request that the server answers."""

from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pytest

from recommender.errors import IntakeError, RecommenderError, TablesError
from recommender.notebook.recommending import recommend
from recommender.recommendation.recommend import Recommendation
from recommender.recommendation.recommend import recommend as recommend_intake
from tests.support.builders import DAY, a_model, an_encoding, an_intake
from tests.support.frames import a_practice_model, some_frames

CLIENT = {"client_id": "c9999", "concern": "anxiety", "wanted": ["cbt"], "directive": 4,
          "agrees": True}  # fmt: skip


def asked(client: Any = CLIENT, **options: Any) -> Any:
    staff = some_frames()["clinicians"]
    asking: dict[str, Any] = {"day": DAY, "top_k": 3} | options
    return recommend(a_practice_model(), client, staff, **asking)


def alike(one: Recommendation, other: Recommendation) -> bool:
    return one.exclusions == other.exclusions and replace(one, screening=other.screening) == other


def test_the_shortlist_is_that_of_the_server() -> None:
    served = recommend_intake(an_intake(), an_encoding(), a_model(), day=DAY, top_k=3)
    found = asked()

    assert alike(found.recommendation, served)
    shown = found.shortlist
    for row, entry in zip(shown.itertuples(), served.shortlist, strict=True):
        assert entry.explanation is not None
        assert (row.rank, row.clinician_id, row.name) == (
            entry.rank, entry.clinician_id, entry.name)  # fmt: skip
        assert (row.predicted_alliance, row.lower, row.upper) == (
            entry.predicted, entry.lower, entry.upper)  # fmt: skip
        assert row.in_favour == entry.explanation.in_favour
        assert row.asked_and_offered == entry.explanation.asked_and_offered
        assert row.reservations == tuple(reason.text for reason in entry.reservations)
    assert shown["tie"].tolist() == [entry.tie for entry in served.shortlist]


@pytest.mark.parametrize("index", [None, "client_id"])
def test_a_row_of_a_table_is_the_same_client(index: str | None) -> None:
    frames = some_frames()
    row = frames["clients"].iloc[[7]]
    answers = {name: cell for name, cell in row.iloc[0].items() if pd.notna(cell)}
    del answers["gender"]
    given = row if index is None else row.set_index(index)

    expected = asked(answers).recommendation
    assert alike(asked(given).recommendation, expected)
    assert alike(asked(row.iloc[0]).recommendation, expected)


def test_everybody_is_shown_or_excluded_with_every_reason() -> None:
    found = asked(CLIENT | {"max_fee": 180}, top_k=50)
    reasons = [(e.clinician_id, r.text) for e in found.recommendation.exclusions for r in e.reasons]

    assert list(map(tuple, found.exclusions[["clinician_id", "reason"]].to_numpy())) == reasons
    shown = set(found.shortlist["clinician_id"])
    assert shown | set(found.exclusions["clinician_id"]) == set(
        some_frames()["clinicians"].iloc[:, 0]
    )
    assert not shown & set(found.exclusions["clinician_id"])
    assert found.exclusion_counts["removed"].is_monotonic_decreasing


def test_a_relaxation_that_is_applied_admits_whom_it_names() -> None:
    before = asked(CLIENT | {"max_fee": 150}, top_k=50)
    offers = before.relaxations
    assert len(offers) > 0
    for offer in offers.itertuples():
        after = asked(CLIENT | {"max_fee": 150} | offer.changes, top_k=50).shortlist
        (row,) = after[after["clinician_id"] == offer.clinician_id].itertuples()
        assert row.predicted_alliance == pytest.approx(offer.predicted_alliance)


def test_a_client_without_consent_gets_clinicians_without_predictions() -> None:
    found = asked(CLIENT | {"agrees": False})

    assert found.mode == "constraints_only"
    assert found.shortlist["predicted_alliance"].isna().all()
    assert len(found.shortlist) == 3


def test_nobody_who_fits_is_said_so() -> None:
    found = asked(CLIENT | {"max_fee": 0})

    assert found.shortlist.empty
    assert "Nobody fits every constraint." in found._repr_html_()
    assert repr(found).startswith("<RequestResult model: 0 fit, 12 excluded; shown nobody")


def test_an_id_that_names_nobody_is_warned_of() -> None:
    found = asked(CLIENT | {"not_with": ["k77"]})

    assert found.warnings[0].startswith("client.not_with: ")
    assert "Please check" in found._repr_html_()


def test_faults_are_refused_before_anything_is_computed() -> None:
    with pytest.raises(IntakeError, match="concern: is not one of the declared levels"):
        asked(CLIENT | {"concern": "a secret"})
    with pytest.raises(RecommenderError, match="is a table of 2 rows"):
        asked(some_frames()["clients"].head(2))
    with pytest.raises(RecommenderError, match="client_id: is not a pseudonym"):
        asked(CLIENT | {"client_id": "Ann Example"})
    with pytest.raises(TablesError, match="column offers: is missing"):
        recommend(a_practice_model(), CLIENT, some_frames()["clinicians"].drop(columns="offers"))
    with pytest.raises(RecommenderError, match="is a row whose name may be its id"):
        asked(some_frames()["clients"].set_index("client_id").iloc[0])
    with pytest.raises(RecommenderError, match="top_k"):
        asked(top_k=0)


def test_the_day_is_today_unless_it_is_named() -> None:
    staff = some_frames()["clinicians"]
    found = recommend(a_practice_model(), CLIENT, staff)

    assert found.recommendation.day >= date(2026, 11, 23)
