"""Pseudonyms: the same person has the same one under a key, and the key stays private."""

import stat
from functools import partial
from pathlib import Path

import pytest

from recommender.errors import RecommenderError
from recommender.importing import pseudonyms as module
from recommender.importing.pseudonyms import Pseudonyms, preview_pseudonyms, read_pseudonyms
from recommender.values.ids import id_problem


def test_a_missing_key_is_created_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key"
    first = read_pseudonyms(path).of("client", "1042")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_pseudonyms(path).of("client", " 1042\u00a0") == first
    assert id_problem(first) is None


def test_another_key_and_another_kind_give_another_pseudonym(tmp_path: Path) -> None:
    one, other = (read_pseudonyms(tmp_path / name) for name in ("one", "other"))
    codes = {p.of(kind, 7) for p in (one, other) for kind in ("client", "clinician", "pairing")}
    assert len(codes) == 6


def test_a_key_that_others_may_read_is_refused_and_the_remedy_works(tmp_path: Path) -> None:
    path = tmp_path / "key"
    code = read_pseudonyms(path).of("client", "a")
    path.chmod(0o640)
    with pytest.raises(RecommenderError, match=f"mode 640.*chmod 600 {path}"):
        read_pseudonyms(path)
    path.chmod(0o600)
    assert read_pseudonyms(path).of("client", "a") == code


@pytest.mark.parametrize("content", [b"", b"ab" * 31, b"\xff" * 64, b"zz" * 32])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(RecommenderError, match="is not a key of 32 bytes"):
        read_pseudonyms(path)


def test_a_preview_creates_no_key_and_uses_one_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "key"
    drawn = preview_pseudonyms(path).of("client", "a")
    assert not path.exists()
    code = read_pseudonyms(path).of("client", "a")
    assert code != drawn
    assert preview_pseudonyms(path).of("client", "a") == code


def test_two_people_with_one_pseudonym_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DIGITS", 1)
    pseudonyms = Pseudonyms(bytes(32))
    with pytest.raises(RecommenderError, match="two ids of a client the same pseudonym"):
        list(map(partial(pseudonyms.of, "client"), range(33)))


def test_an_empty_id_and_a_short_key_are_refused() -> None:
    with pytest.raises(RecommenderError, match="the clinician's id: is empty"):
        Pseudonyms(bytes(32)).of("clinician", " ")
    with pytest.raises(RecommenderError, match="has 31 bytes"):
        Pseudonyms(bytes(31))


def test_the_key_is_not_in_its_representation() -> None:
    assert repr(Pseudonyms(b"k" * 32)) == "Pseudonyms(of 0)"


def test_a_path_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecommenderError, match="cannot be opened"):
        read_pseudonyms(tmp_path)


def test_a_fingerprint_tells_keys_apart_and_holds_none_of_them() -> None:
    one, other = Pseudonyms(bytes(32)), Pseudonyms(bytes([1] * 32))
    assert one.fingerprint == Pseudonyms(bytes(32)).fingerprint != other.fingerprint
    assert len(one.fingerprint) == 8
