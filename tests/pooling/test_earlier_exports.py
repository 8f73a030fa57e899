"""No two contributions of a practice differ by a few clients."""

from pathlib import Path

import numpy as np
import pytest

from recommender.errors import RecommenderError
from recommender.pooling.earlier_exports import (
    EXPORTS_FILE,
    LEAST_NEW_CLIENTS,
    EarlierExport,
    earlier_exports,
    refuse_few_new_clients,
    remember_export,
)

EARLIER = EarlierExport("2026-01-10", "2026-01-01", 400, "digest")
DAY = int(np.datetime64("2026-01-01", "D").astype(np.int64))


def days(new: int) -> np.ndarray:
    """First days of 100 clients whom the earlier contribution had, and of new ones."""
    return np.concatenate([np.full(100, DAY), np.full(new, DAY + 1)])


def test_a_first_contribution_needs_no_new_clients() -> None:
    refuse_few_new_clients(days(0), (), Path())


def test_forty_nine_new_clients_are_too_few_and_fifty_are_not() -> None:
    with pytest.raises(RecommenderError, match="have 49 clients who began after 2026-01-01"):
        refuse_few_new_clients(days(LEAST_NEW_CLIENTS - 1), (EARLIER,), Path())
    refuse_few_new_clients(days(LEAST_NEW_CLIENTS), (EARLIER,), Path())


def test_what_was_contributed_is_remembered_in_order(tmp_path: Path) -> None:
    later = EarlierExport("2026-06-10", "2026-06-01", 500, "other")
    remember_export(tmp_path / "share", EARLIER)
    remember_export(tmp_path / "share", later)

    assert earlier_exports(tmp_path / "share") == (EARLIER, later)


def test_a_record_that_cannot_be_read_stops_a_contribution(tmp_path: Path) -> None:
    (tmp_path / EXPORTS_FILE).write_text('[{"day": 1}]')
    with pytest.raises(RecommenderError, match="cannot be read"):
        earlier_exports(tmp_path)
