"""The size of a trial is the textbook's where nothing else is assumed, and grows as it should."""

import pytest

from recommender.errors import RecommenderError
from recommender.trial.planning import TrialAssumptions, error_beyond, power_at, size_of

PLAIN = TrialAssumptions(alpha=0.05, explained=0.0, looks=(1.0,))


@pytest.mark.parametrize(("effect", "rated"), [(0.1, 3140), (0.2, 785), (0.3, 349)])
def test_one_look_without_clusters_needs_what_two_samples_need(effect: float, rated: int) -> None:
    """4 (1.960 + .842)^2 / d^2."""
    assert size_of(effect, PLAIN).rated == pytest.approx(rated, abs=1)


def test_the_power_at_the_size_is_the_one_planned_for() -> None:
    assumed = TrialAssumptions(follow=0.8)
    size = size_of(0.3, assumed, per_month=20)
    assert size.rated is not None
    assert size.randomised is not None
    assert power_at(size.rated, 0.3, assumed) == pytest.approx(0.8, abs=0.002)
    assert size.months == size.randomised / 20
    assert size.rated / size.randomised == pytest.approx(0.68, abs=0.002)


def test_fewer_who_follow_cost_more_than_in_proportion() -> None:
    all_follow, some = (size_of(0.3, TrialAssumptions(follow=f)).rated for f in (1, 0.6))
    assert all_follow is not None
    assert some is not None
    assert some / all_follow == pytest.approx(1 / 0.6**2, rel=0.01)


def test_too_few_who_follow_put_an_effect_out_of_reach() -> None:
    assert size_of(0.1, TrialAssumptions(follow=0.05)).rated is None


def test_clinicians_widen_the_error_that_covers_others_alone() -> None:
    few, many = (TrialAssumptions(clinicians=n, icc=0.15, apart=0.5) for n in (5, 50))
    assert size_of(0.2, few).rated == size_of(0.2, many).rated
    assert error_beyond(500, few) > error_beyond(500, many) > 1.0
    assert error_beyond(5_000, few) > error_beyond(500, few)
    assert error_beyond(5_000, TrialAssumptions(apart=0.0)) == 1.0


@pytest.mark.parametrize(
    "wrong",
    [{"power": 1.0}, {"follow": 0.0}, {"icc": 1.0}, {"apart": 2.0}, {"looks": (0.5, 0.4, 1.0)},
     {"looks": (0.5,)}, {"clinicians": 1}],
)  # fmt: skip
def test_an_assumption_outside_its_range_is_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(RecommenderError) as refused:
        TrialAssumptions(**wrong)  # type: ignore[arg-type]
    assert refused.value.field == next(iter(wrong))


def test_an_assumption_that_is_no_share_is_told_which_shares_may_be_given() -> None:
    for wrong, problem in (
        ({"power": 1.0}, "must lie between 0 and 1, and not be 0 or 1"),
        ({"rated": 68.0}, "must lie between 0 and 1, and not be 0"),
        ({"icc": 1.0}, "must lie between 0 and 1, and not be 1"),
        ({"apart": 2.0}, "must lie between 0 and 1"),
        ({"clinicians": 1}, "are too few: a trial needs at least 2 clinicians who take clients"),
    ):
        with pytest.raises(RecommenderError) as refused:
            TrialAssumptions(**wrong)
        assert refused.value.problem == problem
