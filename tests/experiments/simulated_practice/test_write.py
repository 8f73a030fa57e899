from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from experiments.simulated_practice.__main__ import main, summary
from experiments.simulated_practice.world import simulate
from experiments.simulated_practice.write import write
from recommender.practice.columns import read_rows
from tests.support.simulated_world import a_world, the_practice


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("practice")
    write(a_world(), out)
    return out


def a_table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)


@pytest.mark.parametrize(
    ("table", "side"),
    [("clients", "client"), ("clinicians", "clinician"), ("truth/clients", "client")],
)
def test_every_cell_is_one_the_practice_declares(folder: Path, table: str, side: str) -> None:
    rows = a_table(folder, table).drop(columns=[f"{side}_id", "name"], errors="ignore")
    fields = the_practice().fields("client" if side == "client" else "clinician")
    assert list(rows.columns) == list(fields)
    answers = [dict(zip(fields, cells, strict=True)) for cells in rows.to_numpy().tolist()]
    assert read_rows(fields, answers).size == len(rows)


def test_tables_refer_to_each_other(folder: Path) -> None:
    pairings = a_table(folder, "pairings")
    assert set(pairings["client_id"]) == set(a_table(folder, "clients")["client_id"])
    assert set(pairings["clinician_id"]) <= set(a_table(folder, "clinicians")["clinician_id"])
    assert set(a_table(folder, "ratings")["pairing_id"]) <= set(pairings["pairing_id"])
    assert pairings["pairing_id"].is_unique


def test_scores_lie_on_the_scale_of_their_instrument(folder: Path) -> None:
    for name, forms in a_table(folder, "ratings").groupby("instrument"):
        low, high = the_practice().instruments[str(name)].bounds("sum")
        assert forms["score"].astype(float).between(low, high).all()
    assert set(a_table(folder, "ratings")["rater"]) == {"client", "clinician"}


def test_test_clients_are_none_of_the_practices_clients(folder: Path) -> None:
    known = set(a_table(folder, "clients")["client_id"])
    assert known.isdisjoint(a_table(folder, "truth/clients")["client_id"])


def test_the_truth_adds_up_and_names_everyone(folder: Path) -> None:
    truth = np.load(folder / "truth" / "truth.npz", allow_pickle=False)
    assert truth["client_id"].tolist() == a_table(folder, "truth/clients")["client_id"].tolist()
    assert truth["clinician_id"].tolist() == a_table(folder, "clinicians")["clinician_id"].tolist()
    order = truth["clinician_part"] + truth["dyad_part"]
    np.testing.assert_allclose(truth["observable"], order)
    np.testing.assert_allclose(truth["expected_latent"], truth["client_part"][:, None] + order)
    assert truth["expected_reference"].min() > 1
    assert truth["expected_reference"].max() < 5
    assert set(truth["pairing_id"]) == set(a_table(folder, "pairings")["pairing_id"])


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = simulate(a_world().settings, the_practice())
    for path in write(again, tmp_path):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes()


def test_another_seed_gives_another_practice() -> None:
    one, other = a_world().history.pairings, a_world(seed=4).history.pairings
    assert one.clinician[:200].tolist() != other.clinician[:200].tolist()


def test_parquet_holds_the_same_cells(folder: Path, tmp_path: Path) -> None:
    write(a_world(), tmp_path, "parquet")
    for name in ("clients", "ratings"):
        there = pd.read_parquet(tmp_path / f"{name}.parquet")
        here = pd.read_csv(folder / f"{name}.csv", dtype=there.dtypes.to_dict())
        pd.testing.assert_frame_equal(there, here)


def test_the_summary_says_what_was_made() -> None:
    lines = " ".join(summary(a_world()))
    assert "rated pairings 600" in lines
    assert "clinicians without any pairing" in lines


def test_the_command_names_a_wrong_scenario(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(main)
    told = CliRunner().invoke(app, ["--out", str(tmp_path), "--scenario", "stormy"])
    assert told.exit_code == 2
    assert "scenario: is not known" in told.output


def test_clinicians_may_be_given_in_place_of_invented_ones(folder: Path, tmp_path: Path) -> None:
    given = a_table(folder, "clinicians").sort_values("clinician_id").head(8)
    given["clinician_id"] = [f"given-{number}" for number in range(8)]
    given.to_csv(tmp_path / "given.csv", index=False)
    app = typer.Typer()
    app.command()(main)
    words = ["--ratings", "100", "--test-clients", "5", "--exported-on", "2031-05-06"]
    line = ["--out", str(tmp_path / "out"), "--roster", str(tmp_path / "given.csv"), *words]
    done = CliRunner().invoke(app, line, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    pairings = a_table(tmp_path / "out", "pairings")
    assert set(pairings["clinician_id"]) <= set(given["clinician_id"])
    assert pairings["started_on"].min() >= "2028-02-01"
    assert a_table(tmp_path / "out", "ratings")["rated_on"].max() <= "2031-05-06"
    pd.testing.assert_frame_equal(
        a_table(tmp_path / "out", "clinicians"), given.reset_index(drop=True)
    )
