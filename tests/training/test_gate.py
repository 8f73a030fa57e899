from typing import Any

from recommender.training.baselines import ADDITIVE, PLAIN, RANDOM
from recommender.training.gate import objections


def a_report(
    *, rated: int = 800, coverage: float = 0.9, **ours_minus: tuple[float, float, float]
) -> dict[str, Any]:
    """A report in which ours is clearly above every baseline unless a difference says otherwise."""
    differences = {RANDOM: (0.2, 0.1, 0.3), ADDITIVE: (0.1, 0.02, 0.18), PLAIN: (0.05, 0.0, 0.1)}
    named = {"random": RANDOM, "additive": ADDITIVE, "plain": PLAIN}
    differences |= {named[name]: ends for name, ends in ours_minus.items()}
    return {
        "rated": rated,
        "range": {"level": 0.9, "coverage": coverage, "width": 1.6},
        "composite_ours_minus": {
            name: {"value": value, "low": low, "high": high}
            for name, (value, low, high) in differences.items()
        },
    }


def test_a_model_above_every_baseline_whose_range_holds_may_be_promoted() -> None:
    assert objections(a_report(), first=False) == ()


def test_a_model_that_was_never_measured_is_refused() -> None:
    assert [fault.where for fault in objections({}, first=True)] == ["report"]


def test_a_model_behind_one_baseline_is_refused_and_the_baseline_is_named() -> None:
    (fault,) = objections(a_report(plain=(-0.01, -0.05, 0.03)), first=False)
    assert PLAIN in fault.problem


def test_too_few_later_ratings_refuse_a_change_of_champion() -> None:
    (fault,) = objections(a_report(rated=599), first=False)
    assert fault.where == "ratings"
    assert objections(a_report(rated=600), first=False) == ()


def test_a_first_model_on_few_ratings_is_refused_only_for_a_clear_loss() -> None:
    unclear, clear = (-0.02, -0.1, 0.06), (-0.12, -0.2, -0.03)
    assert objections(a_report(rated=300, plain=unclear), first=True) == ()
    assert len(objections(a_report(rated=300, plain=clear), first=True)) == 1


def test_a_first_model_must_still_be_above_random() -> None:
    (fault,) = objections(a_report(rated=300, random=(-0.01, -0.1, 0.2)), first=True)
    assert RANDOM in fault.problem


def test_a_range_that_holds_less_than_it_says_is_refused() -> None:
    assert objections(a_report(coverage=0.86), first=False) == ()
    (fault,) = objections(a_report(coverage=0.80), first=False)
    assert fault.where == "range"


def test_declared_sizes_may_be_first_but_never_replace_a_champion() -> None:
    assert objections({"mode": "evidence_prior"}, first=True) == ()
    (fault,) = objections({"mode": "evidence_prior"}, first=False)
    assert fault.where == "ratings"


def test_every_objection_is_told_at_once() -> None:
    report = a_report(
        rated=100, coverage=0.5, plain=(-0.2, -0.3, -0.1), additive=(-0.2, -0.3, -0.1)
    )
    assert len(objections(report, first=False)) == 4
