from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.alliance.instruments import AllianceSettings, shipped_instruments
from recommender.alliance.label import (
    early_ratings,
    labels,
    link_scores,
    reliability,
)
from recommender.alliance.linking import InstrumentLinker

SETTINGS = AllianceSettings(
    instruments=("wai_sr", "srs_v3"), reference="wai_sr", fallback_sessions=(1, 1)
)
FORMS = {name: shipped_instruments()[name] for name in SETTINGS.instruments}
START = pd.Timestamp("2026-03-01")
EMPTY = {"instrument": pd.Series(dtype=str), "pomp": pd.Series(dtype=float)}
AS_STATED = InstrumentLinker.fit(pd.DataFrame(EMPTY), FORMS, "wai_sr")


def a_rating(**cells: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "pairing_id": "p1",
        "session": 3,
        "day": 14,
        "instrument": "wai_sr",
        "rater": "client",
        "metric": "sum",
        "score": 48.0,
    }
    return plain | cells


def ratings_of(*rows: dict[str, object]) -> pd.DataFrame:
    table = pd.DataFrame([a_rating(), *rows])[len(rows) == 0 or 1 :].reset_index(drop=True)
    table["rated_on"] = START + pd.to_timedelta(table.pop("day"), unit="D")
    return table


def pairings_of(*ids: str) -> pd.DataFrame:
    return pd.DataFrame({"pairing_id": ids or ("p1",), "started_on": START})


def label_of(*rows: dict[str, object], pairings: tuple[str, ...] = ("p1",)) -> pd.DataFrame:
    return labels(ratings_of(*rows), pairings_of(*pairings), SETTINGS, FORMS, AS_STATED)


def left_out(*rows: dict[str, object], settings: AllianceSettings = SETTINGS) -> dict[str, int]:
    early = early_ratings(ratings_of(*rows), pairings_of(), settings, FORMS)
    assert early.exclusions.total + len(early.rows) == len(rows)
    return {reason: n for reason, n in asdict(early.exclusions).items() if n}


def test_a_label_is_the_mean_of_the_early_sessions_on_the_reference_scale() -> None:
    found = label_of(a_rating(session=2, score=36), a_rating(session=4, score=54)).loc["p1"]
    # POMP 24/48 and 42/48, mean 11/16; 1 + 11/16 * 4 = 3.75
    assert (found["pomp"], found["alliance"]) == (11 / 16, 3.75)
    assert (found["tier"], found["n_sessions"], found["instrument"]) == ("A", 2, "wai_sr")


def test_two_ratings_of_one_session_count_as_one_session() -> None:
    found = label_of(
        a_rating(session=2, score=36),
        a_rating(session=2, score=60, day=15),
        a_rating(session=3, score=60),
    ).loc["p1"]
    # ((24/48 + 48/48) / 2 + 48/48) / 2 = 7/8
    assert (found["pomp"], found["n_sessions"]) == (7 / 8, 2)


def test_each_rating_is_put_on_the_reference_before_averaging() -> None:
    found = label_of(
        a_rating(session=2, instrument="srs_v3", score=38.8), a_rating(session=3, score=60)
    ).loc["p1"]
    # SRS POMP .97 is z 1 by stated moments, .73 + .18 = .91; with 1.00 the mean is .955
    assert found["pomp"] == pytest.approx(0.955, abs=1e-12)
    assert found["instrument"] == "srs_v3"


def test_the_instrument_rated_most_often_names_the_pairing() -> None:
    rows = [a_rating(session=2, instrument="srs_v3", score=30)]
    rows += [a_rating(session=session) for session in (3, 4)]
    assert label_of(*rows).loc["p1", "instrument"] == "wai_sr"


def test_session_one_speaks_only_where_no_early_session_was_rated() -> None:
    alone = label_of(a_rating(session=1, score=36, day=0)).loc["p1"]
    assert (alone["tier"], alone["pomp"], alone["weight"]) == ("C", 1 / 2, 1.0)
    both = [a_rating(session=1, score=36, day=0), a_rating(session=3, score=60)]
    found = label_of(*both).loc["p1"]
    assert (found["tier"], found["pomp"]) == ("B", 1.0)
    assert left_out(*both) == {"fallback_not_needed": 1}


def test_an_early_rating_without_a_score_does_not_silence_session_one() -> None:
    found = label_of(a_rating(session=1, score=36, day=0), a_rating(score=np.nan)).loc["p1"]
    assert (found["tier"], found["pomp"]) == ("C", 1 / 2)


def test_without_fallback_sessions_session_one_is_outside() -> None:
    assert left_out(a_rating(session=1), settings=replace(SETTINGS, fallback_sessions=None)) == {
        "outside_sessions": 1
    }


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"pairing_id": "nobody"}, "unknown_pairing"),
        ({"rater": "clinician"}, "other_rater"),
        ({"instrument": "haq_ii"}, "other_instrument"),
        ({"instrument": None}, "other_instrument"),
        ({"score": 61.0}, "out_of_range"),
        ({"score": np.nan}, "unscored"),
        ({"metric": "stars"}, "unscored"),
        ({"metric": "items"}, "unscored"),
        ({"day": None}, "undated"),
        ({"day": -1}, "outside_window"),
        ({"day": 91}, "outside_window"),
        ({"session": 6}, "outside_sessions"),
    ],
)
def test_a_rating_that_does_not_count_is_counted_by_its_reason(
    cells: dict[str, object], reason: str
) -> None:
    assert left_out(a_rating(session=2), a_rating(**cells)) == {reason: 1}


def test_a_rating_with_several_faults_is_counted_once() -> None:
    assert left_out(a_rating(rater="clinician", score=99.0, day=400)) == {"other_rater": 1}


@pytest.mark.parametrize("cells", [{"day": 0}, {"day": 90}, {"session": 2}, {"session": 5}])
def test_the_ends_of_the_window_count(cells: dict[str, object]) -> None:
    assert left_out(a_rating(**cells)) == {}


def test_items_are_scored_from_their_columns() -> None:
    items = {f"item_{number}": 4.0 for number in range(1, 11)}
    found = label_of(a_rating(metric="items", score=np.nan, **items), a_rating(session=4))
    # Ten of twelve items at 4: (4 - 1) / (5 - 1); 48 is also 36/48.
    assert found.loc["p1", "pomp"] == 3 / 4


def test_the_label_is_known_when_its_last_rating_is() -> None:
    late = START + pd.Timedelta(days=40)
    rows = ratings_of(a_rating(session=2), a_rating(session=3))
    rows["known_on"] = pd.Series([late, None], dtype="datetime64[us]")
    found = labels(rows, pairings_of(), SETTINGS, FORMS, AS_STATED)
    assert found.loc["p1", "known_on"] == late


def test_weights_are_the_reliability_of_k_sessions_over_one() -> None:
    # k g / (1 + (k - 1) g) over g: 2/1.77, 3/2.54, 4/3.31
    for k, weight in ((1, 1.0), (2, 2 / 1.77), (3, 3 / 2.54), (4, 4 / 3.31)):
        rows = [a_rating(session=session) for session in range(2, 2 + k)]
        assert label_of(*rows).loc["p1", "weight"] == pytest.approx(weight, rel=1e-12)


def test_reliability_of_two_to_five_sessions_is_as_published() -> None:
    np.testing.assert_allclose(reliability(0.77, [2, 3, 4, 5]), [0.870, 0.909, 0.930, 0.944], 1e-3)


def test_a_less_reliable_instrument_weighs_less_than_one_session_of_the_reference() -> None:
    forms = FORMS | {"srs_v3": replace(FORMS["srs_v3"], reliability_one_session=0.6)}
    rows = ratings_of(a_rating(instrument="srs_v3", score=30))
    early = early_ratings(rows, pairings_of(), SETTINGS, forms)
    # .60 / .77
    assert link_scores(early, SETTINGS, forms, AS_STATED).loc["p1", "weight"] == pytest.approx(
        60 / 77
    )


def test_a_pairing_nobody_rated_has_no_label() -> None:
    assert label_of(a_rating(), pairings=("p0", "p1")).index.tolist() == ["p1"]


def test_tables_without_a_rating_that_counts_give_an_empty_table() -> None:
    found = label_of(a_rating(rater="clinician"))
    assert len(found) == 0
    assert "alliance" in found


def test_labels_follow_the_order_of_the_pairings_not_of_the_ratings() -> None:
    rows = [a_rating(pairing_id=pairing) for pairing in ("p3", "p1", "p2")]
    assert label_of(*rows, pairings=("p2", "p3", "p1")).index.tolist() == ["p2", "p3", "p1"]


many = st.lists(
    st.builds(
        a_rating,
        pairing_id=st.sampled_from(["p1", "p2"]),
        session=st.integers(1, 5),
        day=st.integers(0, 90),
        instrument=st.sampled_from(["wai_sr", "srs_v3"]),
        score=st.integers(12, 40),
    ),
    min_size=1,
    max_size=8,
)
outside = st.one_of(
    st.builds(a_rating, session=st.integers(6, 20), score=st.integers(12, 60)),
    st.builds(a_rating, day=st.integers(91, 900), score=st.integers(12, 60)),
    st.builds(a_rating, rater=st.just("clinician"), score=st.integers(12, 60)),
)


@settings(max_examples=20, deadline=None)
@given(many, outside)
def test_a_rating_outside_the_window_never_changes_a_label(
    rows: list[dict[str, object]], late: dict[str, object]
) -> None:
    pairings = ("p1", "p2")
    pd.testing.assert_frame_equal(
        label_of(*rows, late, pairings=pairings), label_of(*rows, pairings=pairings)
    )


@settings(max_examples=20, deadline=None)
@given(many, st.data())
def test_labels_are_the_same_to_the_last_bit_in_any_order_of_ratings(
    rows: list[dict[str, object]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(rows))
    pairings = ("p1", "p2")
    pd.testing.assert_frame_equal(
        label_of(*shuffled, pairings=pairings), label_of(*rows, pairings=pairings), rtol=0, atol=0
    )


def test_ratings_of_test_pairings_change_nothing_that_was_fitted() -> None:
    rng = np.random.default_rng(5)
    ids = [f"p{number}" for number in range(300)]
    rows = [
        a_rating(pairing_id=pairing, instrument=name, score=float(rng.integers(12, 41)))
        for pairing in ids
        for name in SETTINGS.instruments
    ]
    ratings, pairings, train = ratings_of(*rows), pairings_of(*ids), ids[:200]
    changed = ratings.assign(score=ratings["score"].where(ratings["pairing_id"].isin(train), 12.0))
    found = []
    for table in (ratings, changed):
        early = early_ratings(table, pairings, SETTINGS, FORMS)
        kept = early.rows[early.rows["pairing_id"].isin(train)]
        linker = InstrumentLinker.fit(kept, FORMS, "wai_sr")
        found.append(link_scores(early, SETTINGS, FORMS, linker).loc[train])
        assert linker.links["srs_v3"].basis == "training"
    pd.testing.assert_frame_equal(found[0], found[1])
