"""The practice's signing key and what it signs."""

import stat
from pathlib import Path

import pytest

from recommender.errors import RecommenderError
from recommender.pooling.signature import (
    KEY_FILE,
    fingerprint,
    is_signed,
    public_text,
    signed,
    signing_key,
)


def test_a_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    first, again = signing_key(tmp_path / "share"), signing_key(tmp_path / "share")

    assert public_text(first) == public_text(again)
    assert stat.S_IMODE((tmp_path / "share" / KEY_FILE).stat().st_mode) == 0o600


def test_another_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("no key")
    with pytest.raises(RecommenderError, match="is not a signing key"):
        signing_key(tmp_path)


def test_a_signature_holds_for_the_content_and_the_key_alone(tmp_path: Path) -> None:
    one, two = signing_key(tmp_path / "one"), signing_key(tmp_path / "two")
    content = signed({"key": public_text(one), "number": 1.5}, one)

    assert is_signed(content)
    assert not is_signed(content | {"number": 1.6})
    assert not is_signed(content | {"key": public_text(two)})
    assert not is_signed({"number": 1.5})
    assert fingerprint(public_text(one)) != fingerprint(public_text(two))
