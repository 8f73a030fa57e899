"""What running it costs: the page has the command's tables, and an estimate multiplies rightly."""

import re
from pathlib import Path

import pytest

from experiments.owner_costs.__main__ import SIZES, figures, ratings_learned_from
from experiments.owner_costs.assumptions import SHIPPED, read_assumptions
from experiments.owner_costs.estimate import estimated
from experiments.owner_costs.measure import Measured, read_measured, write_measured
from experiments.owner_costs.tables import hours_table, machine_table, measured_table

PAGE = Path(__file__).parents[2] / "docs" / "owner" / "costs.md"
FOUND = Measured(
    clinicians=10, ratings=900, measured_on="2026-11-29", request_ms=20, server_mib=300,
    poller_mib=200, request_kib=10, train_seconds=20, train_mib=500,
)  # fmt: skip


def test_the_page_has_the_tables_that_the_command_prints() -> None:
    assumed, page = read_assumptions(), PAGE.read_text(encoding="utf-8")
    found = figures(SIZES, assumed, anew=False)
    estimates = [estimated(each, assumed) for each in found]
    assert measured_table(found) in page
    assert machine_table(estimates, assumed.machine) in page
    assert hours_table(estimates, assumed) in page
    assert all(f"| {each.who} | {each.what} |" in page for each in assumed.hours)


def test_what_was_measured_learned_from_three_years_of_the_assumed_ratings() -> None:
    assumed = read_assumptions()
    for size, each in read_measured().items():
        assert each.ratings == ratings_learned_from(size, assumed)


def test_an_estimate_multiplies_what_was_measured_by_what_is_assumed() -> None:
    found = estimated(FOUND, read_assumptions())
    assert (found.clients_a_year, found.requests_a_year, found.ratings_a_year) == (600, 1200, 300)
    assert found.core_seconds_a_day == pytest.approx(1200 / 250 * 0.020)
    assert found.memory_gib == pytest.approx((300 + 200 + 500 + 400) / 1024)
    assert found.store_gib == pytest.approx(2 * 1200 * 10 / 2**20)
    assert found.disk_gib == pytest.approx(15 * found.store_gib + 5)
    assert found.plan is not None
    assert found.plan.memory_gib == 2
    assert found.first_year["clinicians"] == pytest.approx(1.5 * 10 + 600 * 2 / 60)
    assert found.later_year["clinicians"] == pytest.approx(600 * 2 / 60)


def test_a_practice_too_large_for_every_plan_gets_none(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    plans = re.compile(r"\[\[machine\.plans\]\]\n(?:\w+ = .*\n)+")
    text = plans.sub("", SHIPPED.read_text(encoding="utf-8"))
    small = "[[machine.plans]]\ncores = 1\nmemory_gib = 1\ndisk_gib = 10\na_month = 5\n"
    mine.write_text(f"{text}\n{small}")
    assumed = read_assumptions(mine)
    found = estimated(FOUND, assumed)
    assert found.plan is None
    assert "none of those listed" in machine_table([found], assumed.machine)


def test_every_fault_of_assumptions_is_named_with_its_place(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    text = SHIPPED.read_text(encoding="utf-8")
    mine.write_text(text.replace("rated_share = 0.5", "rated_share = 50\nratings = 3"))
    with pytest.raises(SystemExit) as caught:
        read_assumptions(mine)
    message = str(caught.value)
    assert "practice.rated_share: Input should be less than or equal to 1" in message
    assert "practice.ratings: Extra inputs are not permitted" in message


def test_a_size_that_was_not_measured_is_refused_with_what_to_do() -> None:
    with pytest.raises(SystemExit, match="nothing is stored for 33 clinicians; add --measure"):
        figures([33], read_assumptions(), anew=False)


def test_measurements_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_measured([FOUND], tmp_path / "measured.csv")
    assert read_measured(tmp_path / "measured.csv") == {10: FOUND}
