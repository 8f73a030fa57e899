import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.alliance.instruments import Instrument, read_instruments, shipped_instruments
from recommender.alliance.scores import item_pomp, score_items, score_totals

SHIPPED = shipped_instruments()
WAI_S, WAI_SR, SRS, HAQ = (SHIPPED[name] for name in ("wai_s", "wai_sr", "srs_v3", "haq_ii"))

forms = st.sampled_from([form for form in SHIPPED.values() if form.accepts_items])


def from_pomp(form: Instrument, pomp: object, metric: str) -> np.ndarray:
    low, high = form.bounds(metric)
    return low + np.asarray(pomp, dtype=np.float64) * (high - low)


@st.composite
def answered(draw: st.DrawFn) -> tuple[Instrument, list[float]]:
    form = draw(forms)
    steps = round((form.max - form.min) / form.step)
    step = st.integers(0, steps).map(lambda k: round(form.min + k * form.step, 6))
    return form, draw(st.lists(step, min_size=form.items, max_size=form.items))


def an_answer(
    form: Instrument = WAI_SR, value: float = 4.0, empty: tuple[int, ...] = ()
) -> list[float]:
    return [np.nan if number in empty else value for number in range(1, form.items + 1)]


def test_a_total_becomes_its_share_of_the_way_up() -> None:
    # (48 - 12) / (60 - 12) = 36/48; on WAI-S the same 48 is (48 - 12) / (84 - 12) = 36/72
    assert score_totals(WAI_SR, [48], "sum").pomp.tolist() == [36 / 48]
    assert score_totals(WAI_S, [48], "sum").pomp.tolist() == [36 / 72]


def test_reverse_items_are_turned_round_before_the_mean() -> None:
    # WAI-S, all 7 but items 4 and 10, which are 1 and reverse-keyed: the highest score.
    answers = an_answer(WAI_S, 7)
    answers[3] = answers[9] = 1
    assert score_items(WAI_S, [answers]).pomp.tolist() == [1.0]
    # All 7: ten items at 1, two turned round to 0, so 10/12.
    assert score_items(WAI_S, [an_answer(WAI_S, 7)]).pomp.tolist() == [10 / 12]


def test_ten_of_twelve_items_make_a_total_and_nine_do_not() -> None:
    ten, nine = an_answer(empty=(1, 3)), an_answer(empty=(1, 3, 4))
    found = score_items(WAI_SR, [ten, nine])
    # (4 - 1) / (5 - 1)
    np.testing.assert_array_equal(found.pomp, [3 / 4, np.nan])
    assert found.unscored.tolist() == [False, True]


def test_a_subscale_with_one_answer_leaves_no_total() -> None:
    subscales = {"bond": [1, 2, 3], "goal": [4, 5, 6]}
    cells: dict[str, object] = {
        "items": 6,
        "min": 0,
        "max": 1,
        "min_items": 4,
        "min_per_subscale": 2,
    }
    form = read_instruments({"own": cells | {"subscales": subscales}})["own"]
    found = score_items(form, [an_answer(form, 1, (1, 4)), an_answer(form, 1, (1, 2))])
    assert found.unscored.tolist() == [False, True]


def test_haq_needs_fifteen_of_nineteen() -> None:
    enough, short = an_answer(HAQ, 3, (1, 2, 3, 5)), an_answer(HAQ, 3, (1, 2, 3, 5, 6))
    assert score_items(HAQ, [enough, short]).unscored.tolist() == [False, True]


def test_srs_from_three_of_four_is_marked_as_prorated() -> None:
    gap = np.nan
    found = score_items(SRS, np.array([[9, 9, 9, 9], [9, 9, 9, gap], [9, 9, gap, gap]]))
    assert found.prorated.tolist() == [False, True, False]
    np.testing.assert_allclose(found.pomp, [0.9, 0.9, np.nan], rtol=1e-15)


@pytest.mark.parametrize("answer", [0, 6, 3.5, np.inf, -np.inf])
def test_an_answer_beside_the_scale_refuses_the_form_and_clips_nothing(answer: float) -> None:
    found = score_items(WAI_SR, [[answer, *an_answer()[1:]]])
    assert found.out_of_range.tolist() == [True]
    assert found.unscored.tolist() == [False]
    assert np.isnan(found.pomp).all()


def test_a_total_beside_the_scale_is_refused_and_an_empty_one_is_unscored() -> None:
    found = score_totals(WAI_SR, [11.9, 12, 60, 60.1, np.nan], "sum")
    assert found.out_of_range.tolist() == [True, False, False, True, False]
    assert found.unscored.tolist() == [False, False, False, False, True]
    np.testing.assert_array_equal(found.pomp, [np.nan, 0, 1, np.nan, np.nan])


def test_the_same_raw_answer_throughout_is_a_straight_line_before_reversing() -> None:
    found = score_items(WAI_S, [an_answer(WAI_S, 7), [6, *an_answer(WAI_S, 7)[1:]]])
    assert found.straightline.tolist() == [True, False]


def test_one_item_is_never_a_straight_line() -> None:
    own = read_instruments({"own": {"items": 1, "min": 0, "max": 10}})["own"]
    assert score_items(own, [[10]]).straightline.tolist() == [False]


def test_items_of_a_form_whose_reverse_items_are_unknown_are_not_scored() -> None:
    arm = SHIPPED["arm_5"]
    assert score_items(arm, [an_answer(arm)]).unscored.tolist() == [True]


@given(answered())
def test_pomp_lies_between_nought_and_one(form_and_answers: tuple[Instrument, list[float]]) -> None:
    form, answers = form_and_answers
    found = score_items(form, [answers])
    assert 0 <= found.pomp[0] <= 1
    assert not found.out_of_range[0]


@given(answered())
def test_turning_items_round_twice_gives_them_back(
    form_and_answers: tuple[Instrument, list[float]],
) -> None:
    form, answers = form_and_answers
    once = from_pomp(form, item_pomp(form, [answers]), "mean")
    twice = from_pomp(form, item_pomp(form, once), "mean")
    np.testing.assert_allclose(twice, [answers], atol=1e-12)


@given(answered())
def test_items_their_sum_and_their_mean_are_worth_the_same(
    form_and_answers: tuple[Instrument, list[float]],
) -> None:
    form, answers = form_and_answers
    turned = from_pomp(form, item_pomp(form, [answers]), "mean")[0].clip(form.min, form.max)
    by_items = score_items(form, [answers]).pomp
    for metric, total in (("sum", turned.sum()), ("mean", turned.mean())):
        low, high = form.bounds(metric)
        by_total = score_totals(form, [np.clip(total, low, high)], metric).pomp
        np.testing.assert_allclose(by_total, by_items, atol=1e-12)


@given(forms, st.floats(0, 1), st.sampled_from(["sum", "mean", "pomp"]))
def test_saying_pomp_on_a_scale_and_scoring_it_gives_it_back(
    form: Instrument, pomp: float, metric: str
) -> None:
    said = from_pomp(form, pomp, metric).clip(*form.bounds(metric))
    np.testing.assert_allclose(score_totals(form, said, metric).pomp, pomp, atol=1e-12)
