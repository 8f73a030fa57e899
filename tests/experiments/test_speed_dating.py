"""Speed dating as tables, on an invented evening: never on a row of the real file."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.real_ratings import RealRatings, folds_of, open_dataset, write_tables
from experiments.speed_dating.load import (
    ANSWERS,
    FILE,
    NUMBERS,
    PAIR,
    hide_pairs,
    leave_waves_out,
    load,
    read,
    speed_dating,
)
from recommender.tables.report import check_tables

TRAITS = ("attr", "sinc", "intel", "fun", "amb", "shar")
LEAKS = (
    *("match", "match_es", "dec", "prob", "met", *TRAITS),
    *(f"{said}_o" for said in ("dec", "like", "prob", "met", *TRAITS)),
    *(f"{trait}{survey}_s" for trait in TRAITS for survey in (1, 3)),
    *(f"{trait}{survey}_{when}" for trait in TRAITS for survey in range(1, 8) for when in (2, 3)),
    *("satis_2", "length", "you_call", "them_cal", "date_3", "num_in_3", "numdat_2", "numdat_3"),
)
"""Everything said on the evening or after it."""
TOLD = 777.0


def an_answer(column: str, rng: np.random.Generator, people: int) -> Sequence[float]:
    """Answers of everybody to one question, within its scale."""
    if column == "gender":
        return [float(place % 2) for place in range(people)]
    if column in ("income", "mn_sat", "tuition"):
        return list(rng.integers(1000, 1500, people).astype(float))
    if column.endswith(("1_1", "2_1", "4_1")):
        return list(rng.integers(5, 40, people).astype(float))
    most = {"race": 6, "goal": 6, "date": 7, "go_out": 7, "age": 40, "field_cd": 18, "career_c": 17}
    return list(rng.integers(18 if column == "age" else 1, most.get(column, 9) + 1, people) * 1.0)


def some_evenings(waves: int = 14, pairs: int = 4, seed: int = 5) -> pd.DataFrame:
    """A file of as many waves, each of so many women and men who all meet."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame({"iid": range(1, 2 * pairs * waves + 1)})
    people["wave"] = (people["iid"] - 1) // (2 * pairs) + 1
    for column in ANSWERS:
        people[column] = an_answer(column, rng, len(people))
    met = people.merge(people[["iid", "wave", "gender"]], on="wave", suffixes=("", "_of"))
    met = met[met["gender"] != met["gender_of"]].rename(columns={"iid_of": "pid"})
    met["like"] = rng.integers(0, 11, len(met)).astype(float)
    told = pd.DataFrame(TOLD, index=met.index, columns=list(LEAKS))
    return pd.concat([met.drop(columns="gender_of"), told], axis="columns").reset_index(drop=True)


@cache
def the_ratings() -> RealRatings:
    """The tables of the evenings, unchanged."""
    return speed_dating(some_evenings())


def waves_of(ratings: RealRatings) -> "pd.Series[int]":
    """The wave of each rating, from the invented day."""
    pairings = ratings.tables["pairings"].set_index("pairing_id")["started_on"]
    days = pd.to_datetime(pairings).loc[ratings.tables["ratings"]["pairing_id"]]
    return (days - days.min()).dt.days // 7 + 1


def test_the_tables_have_no_faults(tmp_path: Path) -> None:
    write_tables(the_ratings().tables, tmp_path)
    report = check_tables(tmp_path, the_ratings().practice)
    assert report.grouped() == ()
    assert report.summary.pairings_rated == len(some_evenings())


@pytest.mark.parametrize("leak", LEAKS)
def test_what_was_said_on_the_evening_or_after_is_not_read(leak: str) -> None:
    assert leak not in (*PAIR, *ANSWERS)


def test_what_was_said_on_the_evening_or_after_reaches_no_table(tmp_path: Path) -> None:
    evenings = some_evenings()
    written = evenings.assign(income=evenings["income"].map("{:,.2f}".format))
    written.to_csv(tmp_path / FILE, index=False)
    assert set(read(tmp_path / FILE).columns) == {*PAIR, *ANSWERS}
    told = load(tmp_path).tables
    untold = speed_dating(evenings.drop(columns=list(LEAKS))).tables
    for name, table in told.items():
        assert not (table == TOLD).any(axis=None)
        pd.testing.assert_frame_equal(table, untold[name], check_dtype=False)


def test_the_rating_itself_is_in_the_ratings_alone() -> None:
    evenings = some_evenings()
    other = speed_dating(evenings.assign(like=10 - evenings["like"])).tables
    for name in ("clients", "clinicians", "pairings"):
        pd.testing.assert_frame_equal(the_ratings().tables[name], other[name])


def test_race_and_gender_serve_no_rule_and_no_model() -> None:
    practice = the_ratings().practice
    protected = {"gender", "race", "importance_of_race", "importance_of_religion"}
    assert set(practice.fields("client", "audit")) == protected
    assert not protected & set(practice.clinician)


def test_a_person_has_one_id_as_client_and_another_as_clinician() -> None:
    clients = set(the_ratings().tables["clients"]["client_id"])
    clinicians = set(the_ratings().tables["clinicians"]["clinician_id"])
    assert not clients & clinicians
    assert {name[1:] for name in clients} == {name[1:] for name in clinicians}


def test_a_row_without_a_partner_is_left_out_and_counted() -> None:
    evenings = some_evenings()
    evenings.loc[[0, 5], "pid"] = np.nan
    ratings = speed_dating(evenings)
    assert len(ratings.tables["pairings"]) == len(evenings) - 2
    assert ratings.notes[0].startswith("2 rows")


def test_a_date_nobody_rated_is_a_pairing_without_a_rating() -> None:
    evenings = some_evenings()
    evenings.loc[[3, 4, 9], "like"] = np.nan
    ratings = speed_dating(evenings)
    assert len(ratings.tables["pairings"]) == len(evenings)
    assert len(ratings.tables["ratings"]) == len(evenings) - 3
    assert ratings.notes[1].startswith("3 dates")


def test_an_answer_off_its_scale_is_not_given_and_counted() -> None:
    evenings = some_evenings()
    evenings.loc[evenings["iid"] == 1, "gaming"] = 14.0
    ratings = speed_dating(evenings)
    clients = ratings.tables["clients"]
    assert clients.loc[clients["gaming"].isna(), "client_id"].tolist() == ["c1"]
    assert ratings.notes[2].startswith("1 answers")


def test_points_given_from_one_to_ten_and_points_shared_out_become_the_same_shares() -> None:
    evenings = some_evenings()
    columns = [f"{trait}1_1" for trait in TRAITS]
    evenings.loc[evenings["iid"] == 1, columns] = [40.0, 20.0, 20.0, 10.0, 5.0, 5.0]
    evenings.loc[evenings["iid"] == 2, columns] = [8.0, 4.0, 4.0, 2.0, 1.0, 1.0]
    clients = speed_dating(evenings).tables["clients"]
    shares = clients.set_index("client_id").filter(regex="^seeks").loc[["c1", "c2"]].to_numpy()
    assert shares == pytest.approx(np.array([[0.4, 0.2, 0.2, 0.1, 0.05, 0.05]] * 2))


def test_codes_become_the_levels_of_the_key() -> None:
    evenings = some_evenings()
    evenings.loc[evenings["iid"] == 1, ["field_cd", "goal", "date", "gender"]] = [8.0, 3.0, 1.0, 0]
    client = speed_dating(evenings).tables["clients"].set_index("client_id").loc["c1"]
    named = ("business", "get_a_date", "several_times_a_week", "woman")
    assert tuple(client[["field", "goal", "dates", "gender"]]) == named


def test_every_number_is_a_field_with_both_bounds() -> None:
    fields = the_ratings().practice.client
    assert all(fields[name].min is not None and fields[name].max is not None for name in NUMBERS)


def test_waves_left_out_share_nobody_with_the_waves_learned_from() -> None:
    dataset = open_dataset(the_ratings())
    folds = folds_of(dataset, the_ratings().chosen("cold")[0])
    assert len(folds) == 5
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested) == list(range(len(dataset)))
    for fold in folds:
        for side in (dataset.pairs.client, dataset.pairs.clinician):
            assert not set(side[fold.train]) & set(side[fold.test])


def test_waves_are_dealt_to_five_folds_in_the_order_of_seed_seven() -> None:
    waves = waves_of(the_ratings())
    fold = leave_waves_out(waves).splits[0].groupby(waves).unique()
    order = np.random.default_rng(7).permutation(np.arange(1, 15))
    for place in range(5):
        assert {fold[wave].item() for wave in order[place::5]} == {f"waves {place + 1}"}


def test_three_times_about_thirty_percent_of_the_pairs_are_hidden() -> None:
    ratings = the_ratings()
    splits = hide_pairs(waves_of(ratings)).splits
    assert [split.iloc[0] for split in splits] == ["seed 0", "seed 1", "seed 2"]
    for split in splits:
        assert 0.2 < len(split) / len(ratings.tables["ratings"]) < 0.4
    assert set(splits[0].index) != set(splits[1].index)
    folds = folds_of(open_dataset(ratings), ratings.chosen("warm")[0])
    assert [len(fold.test) for fold in folds] == [len(split) for split in splits]
