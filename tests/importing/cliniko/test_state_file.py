from pathlib import Path

import pytest

from recommender.errors import RecommenderError
from recommender.importing.cliniko.state_file import SyncState, copied_state, opened_state


def test_records_and_place_are_stored_together_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "state.db"
    with opened_state(path) as state:
        with state.writing():
            state.put("hours", [("1", {"day": 1})], 1)
            state.set_place("hours", "page 2", 7)
        with pytest.raises(KeyboardInterrupt):
            _interrupted(state)
    with opened_state(path) as state:
        assert state.records("hours") == [("1", {"day": 1})]
        place = state.place("hours")
        assert place is not None
        assert (place.next, place.finished, place.total) == ("page 2", False, 7)


def _interrupted(state: SyncState) -> None:
    with state.writing():
        state.put("hours", [("2", {"day": 2})], 1)
        state.set_place("hours", None, 7)
        raise KeyboardInterrupt


def test_two_runs_do_not_share_a_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.importing.cliniko.state_file.PATIENCE_SECONDS", 0.01)
    path = tmp_path / "state.db"
    with (
        opened_state(path),
        pytest.raises(RecommenderError, match="another synchronisation"),
        opened_state(path),
    ):
        pass


def test_a_copy_is_changed_without_the_file(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with opened_state(path) as state, state.writing():
        state.put("hours", [("1", {})], 1)
    before = path.read_bytes()
    with copied_state(path) as copy:
        assert copy.records("hours") == [("1", {})]
        with copy.writing():
            copy.remove_lists(["hours"])
        assert copy.lists() == frozenset()
    assert path.read_bytes() == before
    with copied_state(None) as empty:
        assert empty.lists() == frozenset()


def test_another_file_is_never_taken_for_a_state(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_text("clinician_id\npsy1\n" * 100, encoding="utf-8")
    with pytest.raises(RecommenderError, match="not a state file"), opened_state(path):
        pass
    assert path.read_text(encoding="utf-8").startswith("clinician_id")
