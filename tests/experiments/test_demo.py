import json
import stat
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import experiments.demo
from experiments.demo.__main__ import app
from experiments.demo.access import ACCOUNTS, FILE, KEY_FILE, STORE, opened_access, store_roster
from experiments.demo.build import DEFINITION, ROSTER, check_installed
from experiments.demo.practice import clinicians, definition, write_clinicians, write_definition
from recommender.journal.roster_versions import current_roster
from recommender.model.evidence_prior import evidence_model
from recommender.practice.definition import Practice, read_practice
from recommender.practice.matching_page import unready
from recommender.recommendation.recommend import Recommendation, read_intake, recommend
from recommender.security.accounts import account_with_password
from recommender.serving.schemas.intake import build_request_schema
from recommender.store.database import open_store
from recommender.tables.loader import read_roster
from recommender.tables.roster import Roster
from recommender.values.kinds import EPOCH

CLIENT = Path(str(experiments.demo.__file__)).with_name("client.json")
TODAY = date(2026, 11, 28)
DAYS = [TODAY + timedelta(days=later) for later in (0, 1, 3, 300, 1_200)]
"""Some days of the week, and years for which the shipped definition declares no rate."""


def sample(today: date = TODAY) -> Practice:
    return read_practice(definition(today))


def the_roster(folder: Path, today: date = TODAY) -> Roster:
    write_clinicians(folder / "clinicians.csv", today)
    return read_roster(folder / "clinicians.csv", sample(today), datetime.now(UTC))


def the_client(practice: Practice) -> Any:
    """The intake of the demo's client, read as a request is."""
    request = build_request_schema(practice, 3).read(json.loads(CLIENT.read_bytes()))
    assert request.asked_on is None
    return read_intake(practice, request.answers, request.client_id, request.modes)


def answered(today: date, folder: Path) -> Recommendation:
    """What the client is answered on a day, before anything was learned."""
    practice = sample(today)
    roster = the_roster(folder, today)
    model = evidence_model(
        practice, roster.columns, roster.ids, data_digest="0", created_at=f"{today}T00:00:00Z"
    )
    encoding = model.encode_roster(roster)
    return recommend(the_client(practice), encoding, model, day=today, top_k=3)


@pytest.mark.parametrize("today", DAYS)
def test_the_client_of_the_demo_is_shown_three_clinicians_on_any_day(
    today: date, tmp_path: Path
) -> None:
    answer = answered(today, tmp_path)
    assert len(answer.shortlist) == 3


def test_clinicians_have_names_fees_and_dates_as_a_practice_has(tmp_path: Path) -> None:
    roster = the_roster(tmp_path)
    fees = roster.columns["fee"]
    assert all(len(str(name).split()) == 2 for name in roster.names)
    assert len({str(name).split()[1] for name in roster.names}) == len(roster)
    assert (fees % 100 == 0).all()
    assert (fees.min(), fees.max()) == (12_000, 31_000)
    free = roster.columns["next_available"] - (TODAY.toordinal() - EPOCH)
    assert ((free > 0) & (free < 40)).all()
    assert np.isnan(roster.columns["rooms"][:, 0, 0]).sum() == 1


def test_every_field_of_a_clinician_is_answered() -> None:
    practice = sample()
    optional = {"concession_fee", "photo"}
    for row in clinicians(practice, TODAY):
        assert set(practice.clinician) - optional <= set(row), row["name"]


def test_the_sample_practice_may_show_the_matching_page() -> None:
    practice = sample()
    assert unready(practice.matching_page, bool(practice.forms.get("client"))) == []


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the sample practice is written, as the working directory."""
    monkeypatch.chdir(tmp_path)
    ROSTER.parent.mkdir(parents=True)
    write_definition(DEFINITION, TODAY)
    write_clinicians(ROSTER, TODAY)
    return tmp_path


def test_who_may_use_the_demo_is_made_once_and_readable_by_its_owner_only(home: Path) -> None:
    access = opened_access()
    assert opened_access() == access
    assert not any(each in repr(access) for each in access.passwords.values())
    for path in (FILE, KEY_FILE):
        assert stat.S_IMODE((home / path).stat().st_mode) == 0o600
    store = open_store(STORE)
    entered = {
        name: account_with_password(store, name, password, now=datetime.now(UTC))
        for name, password in access.passwords.items()
    }
    store.close()
    assert {name: each and each.roles for name, each in entered.items()} == ACCOUNTS


def test_a_demo_of_yesterday_shows_the_free_days_of_today(home: Path) -> None:
    opened_access()
    store_roster()
    write_clinicians(home / ROSTER, TODAY + timedelta(days=1))
    store_roster()
    store = open_store(STORE)
    with store.reading() as connection:
        version = current_roster(connection)
    store.close()
    assert version.number == 2
    assert version.rows["psy13"]["next_available"] == "2026-11-30"


def test_a_demo_that_could_not_run_deletes_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = home / "bin"
    commands.mkdir()
    (commands / "recommender").touch()
    python = commands / "python"
    python.write_text(f"#!/bin/sh\necho {home}/site-packages/recommender/__init__.py\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    before = DEFINITION.read_bytes()
    for command in ([], ["serve"]):
        result = CliRunner().invoke(app, command)
        assert result.exit_code != 0
        assert "is a copy" in result.output
        assert "pip install -e" in result.output
        assert DEFINITION.read_bytes() == before
    (commands / "recommender").unlink()
    assert "is missing" in CliRunner().invoke(app, []).output
    assert DEFINITION.read_bytes() == before


def test_this_clone_can_run_the_demo() -> None:
    check_installed()
