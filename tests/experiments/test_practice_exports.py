"""Made-up exports are the same for the same seed and day, and hold what a practice has."""

from datetime import date
from pathlib import Path

import numpy as np

from experiments.practice_exports.history import history
from experiments.practice_exports.systems import SYSTEMS

DAY = date(2026, 11, 20)


def test_the_same_seed_and_day_give_the_same_bytes(tmp_path: Path) -> None:
    for copy in ("one", "other"):
        past = history(4, DAY, clinicians=5, ratings=12)
        for name, write in SYSTEMS.items():
            folder = tmp_path / copy / name
            folder.mkdir(parents=True)
            write(past, folder, np.random.default_rng(4))
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert len(files) == 15
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "other" / path).read_bytes()


def test_every_state_of_an_appointment_is_there_and_attended_ones_are_past() -> None:
    past = history(4, DAY, clinicians=5, ratings=60)
    days = {each.state: each.day for each in past.appointments}
    assert {"attended", "cancelled", "missed"} <= set(days)
    assert all(each.day <= DAY for each in past.appointments if each.state == "attended")
    assert all(each.day > DAY for each in past.appointments if each.state == "booked")
