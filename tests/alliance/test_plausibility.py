"""Ratings that pass every single check and are wrong together: what is said, and what cures it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from experiments.simulated_practice.forms import responses
from recommender.alliance.instruments import shipped_instruments
from recommender.alliance.label import score_ratings
from recommender.alliance.plausibility import (
    MIN_FORMS,
    PlausibilityWarning,
    implausible_ratings,
    is_clearly_negative,
)

FORMS = shipped_instruments()


def some_items(
    name: str = "wai_s", size: int = 300, seed: int = 1, straight: float = 0.2
) -> NDArray[np.float64]:
    """Item scores of honest forms, reverse-keyed items reversed."""
    rng = np.random.default_rng(seed)
    latent, own = rng.normal(size=(2, size))
    return responses(rng, FORMS[name], latent, own, np.full(size, straight))


def as_on_paper(items: NDArray[np.float64], name: str = "wai_s") -> NDArray[np.float64]:
    """The same forms as the clients answered them."""
    instrument, answers = FORMS[name], items.copy()
    turned = np.asarray(instrument.reverse, dtype=np.intp) - 1
    answers[:, turned] = instrument.min + instrument.max - answers[:, turned]
    return answers


def of_items(
    items: NDArray[np.float64], metric: str = "items", name: str = "wai_s"
) -> pd.DataFrame:
    names = [f"item_{number}" for number in range(1, items.shape[1] + 1)]
    return of_scores(np.full(len(items), np.nan), metric, name).join(
        pd.DataFrame(items, columns=names)
    )


def of_scores(scores: NDArray[np.float64], metric: str, name: str) -> pd.DataFrame:
    ids = [f"p{number}" for number in range(len(scores))]
    days = np.datetime64("2024-01-01", "s") + np.arange(len(scores)) * np.timedelta64(1, "D")
    columns = {"session": 3, "instrument": name, "metric": metric, "score": scores}
    return pd.DataFrame({"pairing_id": ids, "rated_on": days} | columns)


def warned(*ratings: pd.DataFrame) -> list[PlausibilityWarning]:
    return list(implausible_ratings(pd.concat(ratings, ignore_index=True), FORMS))


def kinds(*ratings: pd.DataFrame) -> list[str]:
    return [warning.kind for warning in warned(*ratings)]


def labels(ratings: pd.DataFrame) -> NDArray[np.float64]:
    return score_ratings(ratings, FORMS).pomp


@pytest.mark.parametrize("name", ["wai_s", "haq_ii", "wai_sr"])
def test_honest_forms_are_not_doubted(name: str) -> None:
    assert kinds(of_items(as_on_paper(some_items(name), name), name=name)) == []


def test_a_client_whose_form_was_reversed_twice_is_not_learned_from_the_wrong_way_round() -> None:
    items = some_items()
    [warning] = warned(of_items(items))
    assert warning.kind == "item_direction"
    assert "items 4 and 10 of wai_s" in str(warning)
    assert "over 300 forms: they look reversed already" in str(warning)
    assert "set metric to items_scored" in warning.remedy

    # Following the remedy gives the true score, and nothing more is said.
    cured = of_items(items, "items_scored")
    assert warned(cured) == []
    assert np.allclose(labels(cured), (items.mean(axis=1) - 1) / 6)
    assert np.allclose(labels(cured), labels(of_items(as_on_paper(items))))
    assert np.abs(labels(of_items(items)) - labels(cured)).max() > 0.1


def test_forms_that_still_have_to_be_reversed_are_not_taken_as_scored() -> None:
    [warning] = warned(of_items(as_on_paper(some_items()), "items_scored"))
    assert "look not reversed yet" in warning.found
    assert "set metric to items in these rows" in warning.remedy
    assert warned(of_items(as_on_paper(some_items()), "items")) == []


def test_an_item_in_the_wrong_column_is_named() -> None:
    items = some_items("wai_sr")
    items[:, 6] = 6 - items[:, 6]
    [warning] = warned(of_items(items, name="wai_sr"))
    assert warning.where == "ratings, item 7 of wai_sr"
    assert "[instruments.wai_sr]" in warning.remedy


def test_clients_who_answer_everything_alike_do_not_make_an_item_look_reversed() -> None:
    items = as_on_paper(some_items(straight=0.0))
    items[:150] = 7.0
    assert kinds(of_items(items)) == []


def test_nothing_is_said_of_fewer_forms_than_a_correlation_needs() -> None:
    assert kinds(of_items(some_items(size=MIN_FORMS - 1))) == []
    assert kinds(of_items(some_items(size=60))) == ["item_direction"]


def test_a_client_who_rated_9_5_of_10_is_not_counted_as_deeply_unhappy() -> None:
    scores = np.resize([9.5, 9.2, 8.8, 9.9], 79)
    rows = of_scores(scores, "sum", "srs_v3")
    [warning] = warned(rows)
    assert warning.kind == "scale"
    assert "79 of 79 scores with metric sum (0 to 40) fit the range of a mean (0 to 10)" in str(
        warning
    )
    assert "They count as 0.23 of the scale on average; as a mean they would be 0.93" in str(
        warning
    )

    cured = rows.assign(metric="mean")
    assert warned(cured) == []
    assert labels(cured)[0] == pytest.approx(0.95)


def test_a_scale_entered_from_its_other_end_is_not_taken_for_averages() -> None:
    strong = np.clip(np.round(np.random.default_rng(1).normal(34, 4, 131)), 0, 40)
    [warning] = [w for w in warned(of_scores(40 - strong, "sum", "srs_v3")) if w.kind == "scale"]
    turned, mean = (warning.remedy.index(each) for each in ("40 - score", "metric to mean"))
    assert turned < mean
    assert kinds(of_scores(strong, "sum", "srs_v3")) == []
    [averages] = warned(of_scores(strong / 4, "sum", "srs_v3"))
    assert averages.remedy.index("metric to mean") < averages.remedy.index("40 - score")


def test_means_among_sums_are_found_too() -> None:
    sums = np.resize([36.0, 38.5, 33.1], 70)
    assert kinds(of_scores(np.r_[sums, np.full(30, 9.5)], "sum", "srs_v3"))[0] == "scale"
    # Some deeply unhappy clients are no error of the export.
    assert kinds(of_scores(np.r_[sums, np.resize([6.0, 9.0, 4.0], 6)], "sum", "srs_v3")) == []


def test_shares_declared_as_means_are_found() -> None:
    shares = np.resize([0.72, 0.81, 0.94, 0.66], 40)
    [warning] = warned(of_scores(shares * 10, "mean", "srs_v3").assign(score=shares))
    assert "fit the range of a pomp (0 to 1)" in warning.found


def test_a_scale_read_from_its_other_end_is_far_from_what_the_form_gives() -> None:
    sums = np.round(some_items("wai_sr", straight=0.0).sum(axis=1))
    assert kinds(of_scores(sums, "sum", "wai_sr")) == []
    [warning] = warned(of_scores(72 - sums, "sum", "wai_sr"))
    assert warning.kind == "level"
    assert (
        "(0 to 1); the reference of this instrument is 0.73 (SD 0.18; simulated)" in warning.found
    )
    # The lowest published sample of clients, in crisis chat, is not doubted.
    crisis = np.random.default_rng(0).normal(4.3, 1.27, 200).clip(1, 7)
    assert kinds(of_scores(crisis, "mean", "wai_s")) == []


@pytest.mark.parametrize(
    ("metric", "remedy"),
    [
        ("mean", "replace each score of metric mean by 6 - score"),
        ("items", "replace each item answer of metric items by 6 - item answer"),
    ],
)
def test_a_scale_that_was_reversed_for_some_time_is_reported_with_its_cure(
    metric: str, remedy: str
) -> None:
    def rated(items: NDArray[np.float64]) -> pd.DataFrame:
        if metric == "items":
            return of_items(items, name="wai_sr")
        return of_scores(items.mean(axis=1), metric, "wai_sr")

    items = some_items("wai_sr", straight=0.0)
    turned = items.copy()
    turned[150:] = 6 - turned[150:]
    [warning] = warned(rated(turned))
    assert warning.kind == "reversed_period"
    assert warning.where == f"ratings, wai_sr, metric {metric}"
    assert "forms from about 2024-05-3" in warning.found
    assert "to about 2024-10-26 is 0.2" in warning.found
    assert "others 0.7" in warning.found
    assert warning.remedy.endswith(remedy)
    assert warned(rated(items)) == []


def test_right_forms_beside_a_reversed_half_year_are_not_turned_with_it() -> None:
    items = some_items("wai_sr", straight=0.0)
    items[150:] = 6 - items[150:]
    [warning] = warned(of_scores(items.mean(axis=1), "mean", "wai_sr"))
    assert "from about" in warning.found
    assert "The days are estimated from the scores" in warning.remedy
    assert "find the first and the last reversed day in the source and, in this time alone, " in (
        warning.remedy
    )


@pytest.mark.parametrize(
    ("equal", "others", "said"), [(300, 0, True), (10, 0, True), (9, 0, False), (285, 15, True),
                                  (200, 100, False), (9, 1, False)]
)  # fmt: skip
def test_equal_ratings_are_said_to_teach_nothing(equal: int, others: int, said: bool) -> None:
    scores = np.r_[np.full(equal, 40.0), np.linspace(30, 39, others)]
    assert ("constant" in kinds(of_scores(scores, "sum", "srs_v3"))) is said


def test_two_forms_of_one_session_that_contradict_each_other_are_named() -> None:
    items = some_items("wai_sr", straight=0.0)
    means = items.mean(axis=1)
    other = 28 + 2.4 * (means - 1)
    agree = of_scores(means, "mean", "wai_sr"), of_scores(other, "sum", "srs_v3")
    oppose = of_scores(means, "mean", "wai_sr"), of_scores(66 - other, "sum", "srs_v3")
    assert kinds(*agree) == []
    [warning] = warned(*oppose)
    assert warning.kind == "contradiction"
    assert "in 300 sessions" in warning.found
    assert "(correlation -1.00)" in warning.found


def test_chance_is_not_a_clearly_negative_correlation() -> None:
    rng = np.random.default_rng(4)
    said = [is_clearly_negative(*rng.normal(size=(2, MIN_FORMS))) for _ in range(2_000)]
    # One in a thousand by construction.
    assert sum(said) <= 8
    line = np.arange(float(MIN_FORMS))
    assert is_clearly_negative(line, -line)
    assert not is_clearly_negative(line, np.zeros(MIN_FORMS))


def test_an_instrument_without_norms_is_not_compared_with_any() -> None:
    plain = replace(FORMS["wai_sr"], reference_mean=None, reference_sd=None)
    rows = of_scores(np.resize([14.0, 20.0, 17.0], 60), "sum", "wai_sr")
    assert list(implausible_ratings(rows, {"wai_sr": plain})) == []
