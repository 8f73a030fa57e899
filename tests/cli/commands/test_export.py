"""Training tables out of a journal by command, and who was learned from."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recommender.cli.commands.export import TrainingExtract, learned_from, record_learned
from recommender.cli.main import app
from recommender.errors import RecommenderError
from recommender.journal.audit_log import verify
from recommender.journal.extract import read_extract_id
from recommender.journal.privacy_requests import models_that_learned_from
from recommender.store.database import Store
from tests.support.builders import DEFINITION
from tests.support.journal_rows import pair, put_roster, rate, recommend
from tests.support.server import store_with_schema


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/journal.db"


@pytest.fixture
def journal(url: str) -> Store:
    store = store_with_schema(url)
    put_roster(store)
    recommend(store)
    pair(store)
    rate(store)
    pair(store, "p2", recommendation_id=None, began=None)
    return store


def export(*words: str | Path) -> Result:
    line = ["export", "--practice", str(DEFINITION), *map(str, words)]
    return CliRunner().invoke(app, line, env={"COLUMNS": "200"})


def test_export_writes_tables_and_says_what_was_left_out(
    journal: Store, url: str, tmp_path: Path
) -> None:
    done = export("--store", url, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "Wrote 1 client, 2 clinicians, 1 pairing, 1 rating." in done.output
    assert "Left out: 1 pairings that were never attended, booked or dated." in done.output
    assert (tmp_path / "out" / "ratings.csv").exists()


def test_export_needs_a_store(tmp_path: Path) -> None:
    done = export("--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "is not named" in done.output


def test_what_a_model_learned_from_an_extract_is_kept(
    journal: Store, url: str, tmp_path: Path
) -> None:
    export("--store", url, "--out", tmp_path / "out")
    learned = learned_from(tmp_path / "out", url)
    assert learned == TrainingExtract(read_extract_id(tmp_path / "out") or "", url)
    record_learned(learned, "d" * 64)
    with journal.reading() as connection:
        assert models_that_learned_from(connection, ["p1"]) == ("d" * 64,)
        assert verify(connection).holds
    with pytest.raises(RecommenderError, match="come from a journal"):
        learned_from(tmp_path / "out", None)


def test_tables_from_elsewhere_need_no_journal(tmp_path: Path) -> None:
    assert learned_from(tmp_path, None) is None
    record_learned(None, "d" * 64)
