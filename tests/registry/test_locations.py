"""A registry whose folder was moved, copied or restored, with mlflow's own tables."""

import logging
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments.trust.live import call, connected, live_server
from recommender.cli.main import app
from recommender.errors import RegistryError
from recommender.model.alliance_model import NAME
from recommender.registry.locations import (
    artifact_paths,
    follow_move,
    pending_move,
    published_bundles,
)
from recommender.registry.registry import Registry
from tests.support.builders import DEFINITION, a_model, write_tables
from tests.support.registries import CARD, address, contents, publish
from tests.support.reports import a_report

pytestmark = pytest.mark.slow


@pytest.fixture
def m1(published_registry: Path, tmp_path: Path) -> Path:
    """A registry that is at home in its folder."""
    folder = tmp_path / "m1"
    shutil.copytree(published_registry, folder)
    follow_move(folder / "mlflow.db", folder / "mlartifacts", NAME)
    return folder


def run(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def locations(folder: Path) -> list[str]:
    """Every place that the database names, but that of mlflow's own unused experiment."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        experiments = database.execute(
            "SELECT artifact_location FROM experiments WHERE experiment_id <> 0"
        )
        found = [text for (text,) in experiments]
    return [*found, *(path.as_uri() for path in artifact_paths(folder / "mlflow.db"))]


def another(folder: Path, workspace: Path) -> int:
    """One more version, published as a training does."""
    workspace.mkdir(exist_ok=True)
    model = replace(a_model(), report=a_report().model_copy(update={"rated": 900}))
    return publish(Registry(address(folder)), workspace, model).version


@pytest.mark.parametrize("relative", [False, True])
def test_a_practice_that_renamed_its_folder_reads_promotes_rolls_back_and_trains_in_the_new_one(
    m1: Path, tmp_path: Path, relative: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    m2, tables = tmp_path / "m2", tmp_path / "tables"
    m1.rename(m2)
    monkeypatch.chdir(m2)
    registry = ("--registry", "sqlite:///mlflow.db" if relative else address(m2))
    assert f"was moved: its database names {m1}" in run("doctor", *registry, code=1)

    assert run("card", *registry) == CARD.strip()
    assert "was moved" not in run("doctor", *registry, code=1)
    assert "2 promoted" in run("history", *registry)
    assert "Version 3 is champion" in run("promote", *registry, "--force", "--reason", "a test")
    assert "Version 2 is champion again" in run("rollback", *registry, "--reason", "a test")
    tables.mkdir()
    write_tables(tables, pairings=30)
    assert "version 4" in run("train", tables, "--practice", DEFINITION, *registry)
    assert not m1.exists()
    assert all(f"{m2}/" in f"{place}/" for place in locations(m2))
    assert (published_bundles(m2 / "mlflow.db", NAME)[3].directory / "digest.json").is_file()


@pytest.mark.long
def test_a_server_started_on_a_moved_registry_answers_with_the_champion(
    m1: Path, tmp_path: Path, practice_files: Path
) -> None:
    m2 = tmp_path / "m2"
    m1.rename(m2)
    words = ["-m", "recommender.cli", "serve", "--registry", address(m2)]
    words += ["--roster", str(practice_files / "clinicians.csv"), "--practice", str(DEFINITION)]
    log = tmp_path / "log"
    with (
        live_server({}, log, [*words, "--bundles", str(tmp_path / "bundles")]) as server,
        closing(connected(server.port)) as connection,
    ):
        _, answer = call(connection, "GET", "/v1/models/current")

    champion = Registry(address(m2)).alias("champion")
    assert champion is not None
    assert answer["model"]["digest"] == champion.digest
    assert log.read_text().count("registry moved: ") == 1


def test_a_copy_is_used_without_a_change_to_the_folder_it_was_copied_from(
    m1: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    m2 = tmp_path / "m2"
    shutil.copytree(m1, m2)
    before = contents(m1)
    with caplog.at_level(logging.WARNING):
        assert another(m2, tmp_path / "workspace") == 4

    assert contents(m1) == before
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "registry moved"
    ]


def test_a_new_registry_in_the_old_folder_and_the_moved_one_leave_each_other_alone(
    m1: Path, published_registry: Path, tmp_path: Path
) -> None:
    m2 = tmp_path / "m2"
    m1.rename(m2)
    shutil.copytree(published_registry, m1)
    before = contents(m1)

    assert another(m2, tmp_path / "second") == 4
    assert contents(m1) == before
    assert all(f"{m2}/" in f"{place}/" for place in locations(m2))


def test_a_database_without_its_artifacts_is_refused_and_accepted_once_they_are_brought(
    m1: Path, tmp_path: Path
) -> None:
    m2 = tmp_path / "m2"
    m2.mkdir()
    (m1 / "mlflow.db").rename(m2 / "mlflow.db")
    before = contents(m2)
    with pytest.raises(RegistryError) as left:
        Registry(address(m2)).versions()
    assert str(left.value).endswith(
        f"outside of the registry's folder; copy what {m1}/mlartifacts holds into {m2}/mlartifacts"
    )
    (m1 / "mlartifacts").rename(tmp_path / "elsewhere")
    with pytest.raises(RegistryError, match="bundle not found at") as lost:
        Registry(address(m2)).versions()
    assert f"to {m2}/mlartifacts, or restore" in lost.value.remedy
    assert "bundle not found at" in run("doctor", "--registry", address(m2), code=1)
    assert contents(m2) == before

    (tmp_path / "elsewhere").rename(m2 / "mlartifacts")
    assert run("card", "--registry", address(m2)) == CARD.strip()


def test_a_bundle_that_was_lost_is_named_and_no_training_is_suggested_as_its_card(
    m1: Path, tmp_path: Path
) -> None:
    lost = published_bundles(m1 / "mlflow.db", NAME)[1].directory
    shutil.rmtree(lost)
    registry = Registry(address(m1))
    with pytest.raises(
        RegistryError, match=f"version 2: bundle not found at {lost}; bring it back"
    ):
        registry.fetch(2, tmp_path / "bundles")
    assert registry.fetch(1, tmp_path / "bundles").is_dir()
    said = run("doctor", "--registry", address(m1), code=1)
    assert f"version 2: bundle not found at {lost}" in said

    shutil.rmtree(m1 / "mlartifacts")
    refused = run("card", "--registry", address(m1), code=1)
    assert "not found at" in refused
    assert "no card.md" not in refused


def test_experiments_of_others_in_the_same_database_are_neither_moved_nor_refused(
    m1: Path, tmp_path: Path
) -> None:
    place = (tmp_path / "theirs").as_uri()
    with Registry(address(m1)).client() as client:
        number = client.create_experiment("theirs", artifact_location=place)
    m2 = tmp_path / "m2"
    m1.rename(m2)
    with Registry(address(m2)).client() as client:
        assert client.get_experiment(number).artifact_location == place
    with pytest.raises(RegistryError, match="outside of the registry's folder"):
        Registry(address(m2)).experiment("theirs")


def test_a_folder_with_a_space_and_a_link_to_a_folder_are_the_places_they_name(
    m1: Path, tmp_path: Path
) -> None:
    spaced, link = tmp_path / "50% of it", tmp_path / "link"
    m1.rename(spaced)
    registry = Registry(address(spaced))
    assert registry.text(registry.version(1), "card.md") == CARD
    link.symlink_to(spaced)
    assert pending_move(link / "mlflow.db", spaced / "mlartifacts", NAME) is None
    linked = Registry(address(link))
    assert linked.text(linked.version(1), "card.md") == CARD
