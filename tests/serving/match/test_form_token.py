"""Tokens of forms: signed by one server, too young for a person, too old, or not a token."""

from datetime import UTC, datetime, timedelta

import pytest

from recommender.serving.match.form_token import LIFETIME, SHORTEST, FormSigner

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
SIGNER = FormSigner(b"a pepper of more than thirty-two letters")


def test_a_token_is_read_by_the_server_that_signed_it_alone() -> None:
    text = SIGNER.issue(NOW)
    token = SIGNER.read(text)
    assert token is not None
    assert token.opened_at == NOW
    assert FormSigner(b"another pepper of thirty-two letters!").read(text) is None


@pytest.mark.parametrize("damage", [lambda t: t[:-1] + "0", lambda t: "1" + t[1:], lambda t: ""])
def test_a_changed_token_is_none(damage: object) -> None:
    assert callable(damage)
    changed = damage(SIGNER.issue(NOW).replace("00", "01"))
    assert SIGNER.read(changed) is None


def test_nobody_fills_in_a_form_at_once_or_over_days() -> None:
    token = SIGNER.read(SIGNER.issue(NOW))
    assert token is not None
    second = timedelta(seconds=1)
    assert token.is_hasty(NOW + SHORTEST - second)
    assert not token.is_hasty(NOW + SHORTEST)
    assert token.is_current(NOW + LIFETIME)
    assert not token.is_current(NOW + LIFETIME + second)
    assert not token.is_current(NOW - second)
