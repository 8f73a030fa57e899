import numpy as np
import pytest

from recommender.alliance.instruments import Instrument, read_instruments, shipped_instruments
from recommender.alliance.scores import score_items, score_totals
from recommender.errors import DefinitionError, RecommenderError

SHIPPED = shipped_instruments()
every_shipped = pytest.mark.parametrize("form", SHIPPED.values(), ids=SHIPPED)


def faults_of(**cells: object) -> list[str]:
    with pytest.raises(DefinitionError) as refusal:
        read_instruments({"own": cells})
    return [fault.where for fault in refusal.value.faults]


@every_shipped
def test_subscales_of_a_shipped_instrument_share_out_its_items(form: Instrument) -> None:
    numbers = [number for items in form.subscales.values() for number in items]
    assert not numbers or sorted(numbers) == list(range(1, form.items + 1))


@every_shipped
def test_reverse_items_of_a_shipped_instrument_are_items_of_it(form: Instrument) -> None:
    assert set(form.reverse) <= set(range(1, form.items + 1))


@every_shipped
def test_the_highest_and_lowest_totals_of_a_shipped_instrument_are_one_and_zero(
    form: Instrument,
) -> None:
    lowest, highest = form.items * form.min, form.items * form.max
    assert score_totals(form, [lowest, highest], "sum").pomp.tolist() == [0.0, 1.0]
    assert score_totals(form, [form.min, form.max], "mean").pomp.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("name", [name for name, form in SHIPPED.items() if form.accepts_items])
def test_the_most_favourable_answers_of_a_shipped_instrument_are_worth_one(name: str) -> None:
    form = SHIPPED[name]
    answers = np.full((2, form.items), form.max)
    answers[0, [number - 1 for number in form.reverse]] = form.min
    answers[1] = form.min + form.max - answers[0]
    assert score_items(form, answers).pomp.tolist() == [1.0, 0.0]


@every_shipped
def test_a_shipped_instrument_says_where_its_numbers_come_from(form: Instrument) -> None:
    assert form.source
    assert form.reliability_source
    assert (form.reference_mean is None) or form.reference_source


def test_wai_sr_runs_from_12_to_60() -> None:
    assert SHIPPED["wai_sr"].bounds("sum") == (12, 60)


def test_srs_is_discussed_up_to_36() -> None:
    assert SHIPPED["srs_v3"].cut_offs == {"discuss": 36}


def test_items_are_no_metric_of_a_total() -> None:
    with pytest.raises(RecommenderError, match="metric"):
        SHIPPED["wai_sr"].bounds("items")


def test_a_single_0_to_10_rating_needs_three_numbers() -> None:
    own = read_instruments({"own": {"items": 1, "min": 0, "max": 10}})["own"]
    assert (own.min_items, own.prorate, own.reference_mean) == (1, 1, None)
    # 7 / 10
    assert score_totals(own, [7], "sum").pomp.tolist() == [0.7]


def test_a_declared_instrument_may_carry_every_key_the_shipped_ones_do() -> None:
    form = SHIPPED["srs_v3"]
    cells = {name: getattr(form, name) for name in Instrument.__dataclass_fields__}
    del cells["name"]
    assert read_instruments({"srs_v3": cells}) == {"srs_v3": form}


def test_every_missing_and_misspelt_key_is_reported_at_once() -> None:
    assert sorted(faults_of(items=4, revers=[1], min="low")) == [
        "instruments.own.max",
        "instruments.own.min",
        "instruments.own.revers",
    ]


def test_every_broken_rule_is_reported_at_once() -> None:
    assert faults_of(items=4, min=5, max=1, reverse=[5], min_items=9, reference_mean=0.7) == [
        f"instruments.own.{key}"
        for key in ("max", "step", "reverse", "min_items", "reference_mean")
    ]


@pytest.mark.parametrize(
    ("key", "cell"),
    [
        ("items", 0),
        ("items", True),
        ("items", 4.5),
        ("max", float("nan")),
        ("step", 0),
        ("step", 99),
        ("subscales", {"bond": [1, 2], "goal": [2]}),
        ("subscales", {"bond": [0]}),
        ("subscales", [1, 2]),
        ("reverse", [1, 1]),
        ("reverse", 1),
        ("prorate", 5),
        ("min_per_subscale", 1),
        ("cut_offs", {"discuss": 41}),
        ("accepts_items", "yes"),
        ("reliability_one_session", 1),
        ("reference_sd", 0.1),
        ("source", 3),
    ],
)
def test_a_cell_that_cannot_be_is_refused_by_its_key(key: str, cell: object) -> None:
    cells = {"items": 4, "min": 0, "max": 10, key: cell}
    assert any(
        where in {f"instruments.own.{key}", "instruments.own.reference_mean"}
        for where in faults_of(**cells)
    )


@pytest.mark.parametrize(("mean", "sd"), [(1.5, 0.1), (0.5, 0.6), (0.5, 0.0)])
def test_reference_moments_beside_pomp_are_refused(mean: float, sd: float) -> None:
    assert faults_of(items=4, min=0, max=10, reference_mean=mean, reference_sd=sd)


def test_faults_of_two_instruments_come_together() -> None:
    with pytest.raises(DefinitionError) as refusal:
        read_instruments({"a": {}, "b": 3, "Not a name": {"items": 1, "min": 0, "max": 1}})
    assert {fault.where.split(".")[1] for fault in refusal.value.faults} == {"a", "b", "Not a name"}
