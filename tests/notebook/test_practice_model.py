"""Scores of DataFrames, and models from folders and registries."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from recommender.errors import BundleError, IntakeError, TablesError
from recommender.features.pipeline import Pairs
from recommender.model.bundle.io import load_bundle
from recommender.notebook.loading import load_model
from recommender.notebook.practice_model import PREFIX, PracticeModel
from tests.support.builders import a_bundle, a_model, an_encoding, an_intake
from tests.support.frames import a_practice_model, some_frames

CLIENT = {"concern": "anxiety", "wanted": ["cbt"], "directive": 4, "agrees": True}


def test_scores_are_those_of_the_model_in_the_order_given() -> None:
    staff = some_frames()["clinicians"].iloc[::-1]
    scores = a_practice_model().score(CLIENT | {"client_id": "c9999"}, staff)
    expected = a_model().score(an_intake().client, an_encoding())

    assert scores["clinician_id"].tolist() == staff["clinician_id"].tolist()
    assert scores["client_part"].to_numpy() == pytest.approx(expected.client[::-1])
    assert scores["pairing_part"].to_numpy() == pytest.approx(expected.pairing[::-1])
    low, high = a_model().interval_of(expected)
    columns = {"predicted_alliance": expected.alliance, "lower": low, "upper": high}
    for name, points in columns.items():
        shown = a_model().linker.to_displayed(points)[::-1]
        assert scores[name].to_numpy() == pytest.approx(shown)


def test_every_client_meets_every_clinician() -> None:
    frames = some_frames()
    clients = frames["clients"].iloc[[5, 2]]
    scores = a_practice_model().score(clients, frames["clinicians"])

    assert scores["client_id"].unique().tolist() == ["c0005", "c0002"]
    assert scores.groupby("client_id")["clinician_id"].nunique().tolist() == [12, 12]
    assert scores["client_id"].dtype == scores["clinician_id"].dtype == "str"
    alone = a_practice_model().score(clients.iloc[[1]], frames["clinicians"])
    pd.testing.assert_frame_equal(alone, scores.iloc[12:].reset_index(drop=True))


def test_contributions_sum_to_the_prediction() -> None:
    frames = some_frames()
    scores = a_practice_model().score(frames["clients"].head(9), frames["clinicians"])
    parts = scores.filter(like=PREFIX)

    assert parts.columns.tolist() == [f"{PREFIX}{group}" for group in a_model().practice.groups]
    together = scores["start"] + parts.sum(axis=1)
    assert together.to_numpy() == pytest.approx(
        (scores["client_part"] + scores["pairing_part"]).to_numpy()
    )


def test_scores_without_contributions_are_the_same_scores() -> None:
    frames = some_frames()
    model, clients = a_practice_model(), frames["clients"].head(3)
    whole = model.score(clients, frames["clinicians"])
    short = model.score(clients, frames["clinicians"], contributions=False)

    pd.testing.assert_frame_equal(short, whole[short.columns])
    assert short.columns[-1] == "pairing_part"


def test_many_clients_are_scored_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    frames, model = some_frames(), a_practice_model()
    whole = model.score(frames["clients"].head(10), frames["clinicians"])
    monkeypatch.setattr("recommender.notebook.practice_model.batch_size", lambda clinicians: 3)

    parts = model.score(frames["clients"].head(10), frames["clinicians"])
    pd.testing.assert_frame_equal(parts, whole)


def test_nobody_is_scored_as_an_empty_table_of_the_same_columns() -> None:
    frames, model = some_frames(), a_practice_model()
    some, none = (model.score(frames["clients"].head(n), frames["clinicians"]) for n in (1, 0))

    assert len(none) == 0
    assert none.dtypes.equals(some.dtypes)


def test_tables_and_answers_with_faults_are_refused_with_every_fault() -> None:
    frames, model = some_frames(), a_practice_model()
    clients = frames["clients"].assign(concern="none of these", directive=99)
    with pytest.raises(TablesError) as raised:
        model.score(clients, frames["clinicians"])
    assert len(raised.value.faults) == 2
    with pytest.raises(IntakeError, match="is not a field of this practice"):
        model.score({"concern": "anxiety", "mood": 3}, frames["clinicians"])


def test_what_is_for_audit_alone_may_be_there_or_not() -> None:
    frames, model = some_frames(), a_practice_model()
    clients = frames["clients"].head(4)
    with_it, without = (
        model.score(each, frames["clinicians"])
        for each in (clients, clients.drop(columns="gender"))
    )

    pd.testing.assert_frame_equal(with_it, without)


def test_group_sizes_compare_clinicians_within_each_client() -> None:
    frames, model = some_frames(), a_practice_model()
    scores = model.score(frames["clients"].head(20), frames["clinicians"])
    sizes = model.group_sizes(scores)

    assert sizes.is_monotonic_decreasing
    assert set(sizes.index) == set(a_model().practice.groups.values())
    assert model.group_figure(scores).axes


def test_a_model_is_saved_and_loaded_as_a_bundle(tmp_path: Path) -> None:
    model = a_practice_model()
    digest = model.save(tmp_path / "saved")

    assert load_model(tmp_path / "saved").digest == digest == model.digest
    assert load_bundle(tmp_path / "saved").manifest == load_model(a_bundle(tmp_path)).manifest


def test_it_says_what_it_is() -> None:
    model = a_practice_model()

    assert repr(model).startswith("<PracticeModel corner: model, ")
    assert "Predicts wai_sr (mean, 1 to 5) with an interval of 90%." in model._repr_html_()


def test_pairs_of_one_client_alone_match_the_served_plan() -> None:
    scores = a_practice_model().score(CLIENT, some_frames()["clinicians"], contributions=False)
    row_by_row = a_model().score(an_intake().client, an_encoding(), Pairs.of_one(12))

    assert scores["client_id"].unique().tolist() == ["client"]
    assert scores["pairing_part"].to_numpy() == pytest.approx(row_by_row.pairing, abs=1e-9)


def test_a_cell_that_saves_may_run_again_and_never_overwrites_another_model(tmp_path: Path) -> None:
    model = a_practice_model()
    digest = model.save(tmp_path / "bundle")
    assert model.save(tmp_path / "bundle") == digest

    other = PracticeModel(replace(model.alliance_model, client_mean=3.0))
    with pytest.raises(BundleError, match="is not empty; name a new directory"):
        other.save(tmp_path / "bundle")
    (tmp_path / "bundle" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(BundleError, match="is not empty"):
        model.save(tmp_path / "bundle")
