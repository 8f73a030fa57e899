"""Lots as a server draws them: from the recommendation's id, kept with their chance, and said."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender.journal.recommendations import find_recommendation
from recommender.model.bundle.io import save_bundle
from recommender.recommendation.recommend import recommend
from recommender.serving.staff import wording
from tests.support.builders import DAY, a_roster, an_intake, as_sure, under, write_tables
from tests.support.server import JournalServer, journal_server, server_settings

MODEL = under(as_sure(1e4), "shuffle_ties = true")


@pytest.fixture
def drawing(tmp_path: Path) -> Iterator[JournalServer]:
    write_tables(tmp_path)
    save_bundle(MODEL, tmp_path / "bundle")
    url = f"sqlite:///{tmp_path}/recommender.db"
    with journal_server(server_settings(tmp_path), url) as made:
        yield made


def test_lots_are_drawn_from_the_id_and_kept_with_their_chance(drawing: JournalServer) -> None:
    encoding = MODEL.encode_roster(a_roster())
    orders = set()
    for _ in range(6):
        told = drawing.recommended(client_id="c9999")
        name = told["recommendation_id"]
        found = recommend(an_intake("c9999"), encoding, MODEL, day=DAY, seed=name)
        with drawing.store.reading() as connection:
            kept = find_recommendation(connection, name).shown.shortlist
        order = tuple(each["clinician_id"] for each in told["shortlist"])
        orders.add(order)
        assert order == tuple(each.clinician_id for each in found.shortlist)
        assert [(each.clinician_id, each.propensity) for each in kept] == [
            (each.clinician_id, each.propensity) for each in found.shortlist
        ]
        assert 0 < min(each.propensity or 0 for each in kept) < 1
    assert len(orders) > 1


def test_the_answer_says_where_and_that_lots_were_drawn(drawing: JournalServer) -> None:
    told = drawing.recommended()
    said = [each["tie_text"] for each in told["shortlist"] if "tie_text" in each]

    assert "drawn at random" in told["order"]
    assert any("drawn at random" in each for each in said)
    assert "drawn at random" in wording.sentence(said[0])
    assert "propensity" not in str(told)
