"""A second model scores every request, is never shown, and is compared with what was shown."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recommender.cli.main import app
from recommender.model.bundle.io import save_bundle
from recommender.settings import Settings
from recommender.store.schema import shadow_scores
from tests.support.builders import DEFINITION, a_model
from tests.support.journal_rows import count, pair, rate
from tests.support.server import JournalServer, journal_server


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/journal.db"


@pytest.fixture
def desk(settings: Settings, tmp_path: Path, url: str) -> Iterator[JournalServer]:
    """A server whose second model has no trees: another order of the same clinicians."""
    second = replace(a_model(), additive=a_model().additive, trees=None, client_mean=0.5)
    save_bundle(second, tmp_path / "second")
    shadowed = settings.model_copy(update={"shadow": tmp_path / "second"})
    with journal_server(shadowed, url) as running:
        yield running


def compared(url: str, *words: str) -> str:
    given = ["shadow", "--store", url, "--practice", str(DEFINITION), *words]
    return CliRunner().invoke(app, given, env={"COLUMNS": "200"}).output


def test_what_is_shown_does_not_change_and_both_orders_are_compared(
    desk: JournalServer, settings: Settings, url: str
) -> None:
    assert "has scored no request" in compared(url)
    for number in range(6):
        shown = desk.recommended(client_id=f"c{number:04d}", answers={"directive": number - 3})
        assert shown["mode"] == "model"
        whom = shown["shortlist"][0]["clinician_id"]
        pair(desk.store, f"p{number}", f"c{number:04d}", whom, shown["recommendation_id"])
        rate(desk.store, f"p{number}", score=40.0 + number)
    assert count(desk.store, shadow_scores) == 6
    found = json.loads(compared(url, "--json"))
    assert found["requests"] == found["paired"] == 6
    assert -1.0 <= found["agreement"] <= 1.0
    firsts = found["ratings"][0]["clients"] + found["ratings"][1]["clients"]
    assert firsts == 6
    assert found["errors"][0] != found["errors"][1]
    assert "no figure here is an effect" in compared(url)


def test_a_second_model_of_another_practice_is_not_asked(
    settings: Settings, tmp_path: Path, url: str
) -> None:
    from tests.support.builders import under

    save_bundle(under(a_model(), "shuffle_ties = true"), tmp_path / "other")
    shadowed = settings.model_copy(update={"shadow": tmp_path / "other"})
    with journal_server(shadowed, url) as running:
        running.recommended()
        assert count(running.store, shadow_scores) == 0
