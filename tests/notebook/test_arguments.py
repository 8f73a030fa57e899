"""An argument of the wrong kind is named with what to give in its place."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import recommender
from recommender.errors import RecommenderError
from recommender.notebook import arguments
from tests.support.builders import DAY, a_practice
from tests.support.frames import a_practice_model, loaded_tables, some_frames

# Whatever is given is of the wrong kind, which the type checker would refuse.
surface: Any = recommender
CLIENT = {"concern": "anxiety", "agrees": True}


def roster() -> pd.DataFrame:
    return some_frames()["clinicians"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: surface.check(roster()), "source: is of type DataFrame; give a folder, or"),
        (lambda: surface.load_tables(roster()), "source: is of type DataFrame; give a folder, or"),
        (
            lambda: surface.load_tables(a_practice(), some_frames()),
            "source: is of type Practice; give a folder, or",
        ),
        (
            lambda: surface.load_tables(some_frames(), some_frames()),
            "practice: is of type dict; give a definition",
        ),
        (lambda: surface.evaluate(some_frames()), "call recommender.load_tables first"),
        (lambda: surface.fit(some_frames()), "call recommender.load_tables first"),
        (lambda: surface.fit("practice"), "call recommender.load_tables first"),
        (lambda: surface.regression_data(some_frames()), "call recommender.load_tables first"),
        (
            lambda: surface.fit(loaded_tables(), evaluation="x"),
            "evaluation: is of type str; give what recommender.evaluate returned",
        ),
        (
            lambda: surface.fit(loaded_tables(), settings={"left_quantile": "a"}),
            "left_quantile: is of type str; give a number or None",
        ),
        (
            lambda: surface.fit(loaded_tables(), settings={"client_num_trees": 2.5}),
            "client_num_trees: is of type float; give a whole number",
        ),
        (lambda: surface.fit(loaded_tables(), settings=["folds"]), "settings: is of type list"),
        (lambda: surface.evaluate(loaded_tables(), draws="20"), "draws: is of type str"),
        (lambda: surface.load_model(None), "source: is None; give the folder of a bundle"),
        (
            lambda: surface.recommend(CLIENT, a_practice_model(), roster()),
            "model: is of type dict; give a model of recommender.fit",
        ),
        (
            lambda: surface.recommend(a_practice_model(), CLIENT, "clinicians.csv"),
            "roster: is of type str; give a DataFrame",
        ),
        (
            lambda: surface.recommend(a_practice_model(), "c001", roster()),
            "client: is of type str; give the answers by field",
        ),
        (
            lambda: surface.recommend(a_practice_model(), CLIENT, roster(), top_k="3"),
            "top_k: is of type str; give a whole number",
        ),
        (
            lambda: surface.recommend(a_practice_model(), CLIENT, roster(), day="1/10/2026"),
            "day: is not a date as 2026-11-23; give a date",
        ),
        (lambda: a_practice_model().score(roster(), "x"), "clinicians: is of type str"),  # type: ignore[arg-type]
        (lambda: a_practice_model().explain(CLIENT, 7, roster()), "clinician: is of type int"),  # type: ignore[arg-type]
        (lambda: a_practice_model().group_sizes(roster()), "give what `score` returns"),
        (lambda: a_practice_model().save(3), "folder: is of type int"),  # type: ignore[arg-type]
        (lambda: surface.load_practice(some_frames()), "source: is of type dict"),
    ],
)
def test_somebody_who_gives_another_kind_of_thing_is_shown_what_to_give(
    call: Callable[[], object], message: str
) -> None:
    with pytest.raises(RecommenderError) as refused:
        call()

    assert message in str(refused.value)


def test_tables_that_are_no_frames_are_named_with_the_other_faults() -> None:
    given: Any = {**some_frames(), "clients": {"client_id": ["c1"]}, "ratings": pd.Series([1.0])}
    report = recommender.check(given, a_practice())

    problems = dict(zip(report.faults["table"], report.faults["problem"], strict=True))
    assert problems["clients"] == "is of type dict, not a DataFrame"
    assert problems["ratings"] == "is of type Series, not a DataFrame"


def test_a_day_written_as_text_is_that_day() -> None:
    staff = roster()
    written, given = (
        recommender.recommend(a_practice_model(), CLIENT, staff, day=day)
        for day in (DAY.isoformat(), DAY)
    )

    pd.testing.assert_frame_equal(written.shortlist, given.shortlist)
    assert arguments.day("day", pd.Timestamp("2026-10-01"), DAY) == date(2026, 10, 1)
    for wrong in (pd.NaT, pd.Timestamp("2026-10-01", tz="UTC"), 20261001):
        with pytest.raises(RecommenderError, match="give a date, such as"):
            arguments.day("day", wrong, DAY)


def test_numbers_of_numpy_are_numbers() -> None:
    result = recommender.recommend(
        a_practice_model(),
        CLIENT,
        roster(),
        day=DAY,
        top_k=np.int64(2),  # type: ignore[arg-type]
    )

    assert len(result.shortlist) == 2
    with pytest.raises(RecommenderError, match="is of type bool"):
        arguments.whole_number("top_k", True)


def test_a_path_is_a_folder(tmp_path: Path) -> None:
    digest = a_practice_model().save(str(tmp_path / "bundle"))

    assert recommender.load_model(tmp_path / "bundle").digest == digest
