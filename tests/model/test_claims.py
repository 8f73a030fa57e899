"""What is shown of a model, and how many ratings it would take."""

import re

import pytest

from recommender.model.claims import Claim, claims_of, ratings_needed
from recommender.model.evaluation_report import Estimate
from tests.support.reports import Ends, a_report, crossed, report_facts, report_from

ABOVE, AROUND = (0.2, 0.1, 0.3), (0.1, -0.1, 0.3)


def claims(dyad: Ends, composite: Ends) -> tuple[Claim, Claim]:
    return claims_of(a_report(cross_fitted=crossed(dyad, composite, rated=100)))


@pytest.mark.parametrize(
    ("dyad", "composite", "shown"),
    [
        (ABOVE, ABOVE, [True, True]),
        (ABOVE, AROUND, [True, False]),
        (AROUND, ABOVE, [False, False]),
        (AROUND, AROUND, [False, False]),
        ((0.2, 0.0, 0.4), ABOVE, [False, False]),
        ((-0.2, -0.3, -0.1), (-0.2, -0.3, -0.1), [False, False]),
        ((0.2, None, None), ABOVE, [False, False]),
        ((None, None, None), (None, None, None), [False, False]),
    ],
)
def test_matching_is_shown_by_the_dyad_and_an_order_by_the_composite_beside_it(
    dyad: Ends, composite: Ends, shown: list[bool]
) -> None:
    found = claims(dyad, composite)
    assert [claim.shown for claim in found] == shown
    assert [claim.status for claim in found] == [
        "shown" if each else "not shown yet" for each in shown
    ]
    assert all(bool(claim.needs) != claim.shown for claim in found)


def test_an_order_is_claimed_by_the_pairings_that_its_figure_counts() -> None:
    matching, order = claims(ABOVE, ABOVE)
    assert matching.figure.startswith("On 100 ratings, among clients of the same clinician")
    assert order.figure.startswith(
        "On 200 pairings (100 rated; 100 ended before a rating and count as rated low), net of "
        "what each client rates, order and rating agreed by 0.200"
    )
    rows = crossed(ABOVE, ABOVE, rated=100) | {"left_unrated": 0}
    _, order = claims_of(a_report(cross_fitted=rows))
    assert order.figure.startswith("On 100 ratings, net of what each client rates")


def test_an_order_that_staff_may_have_brought_about_waits_for_matching() -> None:
    matching, order = claims(AROUND, ABOVE)
    assert "Staff's choice" in order.figure
    assert order.needed == matching.needed == 400


@pytest.mark.parametrize(
    ("dyad", "composite"),
    [
        ((0.1, -0.39, 0.59), (0.1, -0.22, 0.42)),
        ((0.1, -0.39, 0.59), (-0.1, -0.3, 0.1)),
        ((0.1, -0.39, 0.59), (None, None, None)),
        ((0.1, -0.39, 0.59), ABOVE),
        ((-0.1, -0.3, 0.1), AROUND),
        ((-0.1, -0.3, 0.1), ABOVE),
        ((0.001, -0.2, 0.2), AROUND),
        ((None, None, None), AROUND),
    ],
)
def test_an_order_is_not_promised_on_fewer_ratings_than_matching(
    dyad: Ends, composite: Ends
) -> None:
    matching, order = claims(dyad, composite)
    assert not matching.shown
    assert not order.shown
    numbers = [
        [int(each.replace(",", "")) for each in re.findall(r"[\d,]*\d(?= ratings)", claim.needs)]
        for claim in (matching, order)
    ]
    assert min(numbers[1], default=1_000_000) >= max(numbers[0])
    assert order.needed is None or order.needed >= (matching.needed or 0)
    assert "matching is shown" in order.needs


def test_an_order_that_takes_more_ratings_than_matching_names_its_own_number() -> None:
    matching, order = claims(AROUND, (0.1, -0.4, 0.6))
    assert (matching.needed, order.needed) == (400, 2500)
    assert order.needs.startswith("About 2,500 ratings in all would show it")


def test_as_many_ratings_as_are_named_leave_0_out_if_the_figure_stays() -> None:
    estimate = Estimate(value=0.08, low=-0.11, high=0.27)
    needed = ratings_needed(estimate, 130)
    assert needed is not None
    half = (0.08 + 0.11) * (130 / needed) ** 0.5
    assert 0.08 - half == pytest.approx(0, abs=1e-3)


def test_where_nothing_points_to_it_an_effect_of_the_usual_size_is_named() -> None:
    matching, _ = claims((-0.05, -0.2, 0.1), AROUND)
    assert matching.needed is None
    assert matching.needs.startswith("So far nothing points to it. An effect as large as")


def test_a_number_that_would_be_a_guess_is_not_named() -> None:
    matching, _ = claims((0.001, -0.2, 0.2), AROUND)
    assert "More than 20,000 ratings would be needed" in matching.needs


def test_the_report_of_an_earlier_release_claims_by_what_was_held_back() -> None:
    report = report_facts(rated=300)
    del report["cross_fitted"]
    matching, order = claims_of(report_from(report))
    assert matching.figure.startswith("On 300 ratings, among clients of the same clinician")
    assert (matching.shown, order.shown) == (True, True)
