from contextlib import closing
from dataclasses import replace
from typing import Any

from recommender.cli.doctor.deployment import Deployment
from recommender.cli.doctor.sign_in_checks import check_provider
from recommender.security.accounts import add_account
from recommender.security.linked_identities import identity_code, link_identity
from recommender.security.scopes import Role
from recommender.settings import Settings
from recommender.store.database import connect
from tests.support.openid_provider import OpenidProvider


def faults(deployment: Deployment, settings: Settings, **given: Any) -> list[str]:
    stored = {"store": deployment.store} | given
    asked = replace(deployment, settings=settings.model_copy(update=stored))
    return [str(fault) for fault in check_provider(asked)]


def test_a_provider_that_answers_has_no_fault(
    sound: Deployment, settings: Settings, provider: OpenidProvider
) -> None:
    assert list(check_provider(sound)) == []
    assert faults(sound, settings) == []
    assert faults(sound, settings, **provider.settings) == []


def test_a_provider_that_is_away_or_calls_itself_otherwise_is_found_with_a_remedy(
    sound: Deployment, settings: Settings, provider: OpenidProvider
) -> None:
    (away,) = faults(sound, settings, **OpenidProvider(1).settings)
    assert "oidc_issuer: cannot be reached" in away
    assert "/.well-known/openid-configuration" in away
    otherwise = provider.settings | {"oidc_issuer": f"{provider.issuer}/"}
    (named,) = faults(sound, settings, **otherwise)
    assert "calls itself otherwise" in named
    assert "letter by letter" in named
    (missing,) = faults(sound, settings, **provider.settings | {"oidc_client_id": None})
    assert "RECOMMENDER_OIDC_CLIENT_ID" in missing


def test_nobody_who_could_sign_in_is_found(
    sound: Deployment, settings: Settings, provider: OpenidProvider, cheap_passwords: None
) -> None:
    given = provider.settings | {"passwords": False}
    (fault,) = faults(sound, settings, **given)
    assert "no account is linked" in fault
    assert "recommender staff link" in fault
    assert sound.store is not None
    with closing(connect(sound.store)) as store, store.writing() as connection:
        add_account(connection, "ines", Role.ADMIN, None, now=sound.now, actor="test")
        code = identity_code(provider.issuer, "8c1f")
        link_identity(connection, "ines", code, now=sound.now, actor="test")
    assert faults(sound, settings, **given) == []
