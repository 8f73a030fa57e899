"""Checks of signing in with an OpenID provider: its documents, and that somebody is linked."""

from collections.abc import Iterator
from contextlib import closing

from recommender.cli.doctor.deployment import Deployment
from recommender.errors import Fault, RecommenderError, StoreError
from recommender.security.linked_identities import linked_staff
from recommender.serving.oidc.attempt import SignInError
from recommender.serving.oidc.opening import open_provider
from recommender.store.database import connect, newest_version, schema_version


def check_provider(deployment: Deployment) -> Iterator[Fault]:
    """The settings are complete, and the provider answers with its discovery document and keys."""
    if deployment.settings is None:
        return
    try:
        provider = open_provider(deployment.settings)
        if provider is None:
            return
        provider.described()
        provider.published_keys()
    except RecommenderError as error:
        yield Fault(error.field, error.problem, error.remedy)
        return
    except SignInError:
        remedy = "check that this machine may open the `jwks_uri` of its discovery document"
        yield Fault("oidc_issuer", "publishes no keys that can be read", remedy)
    if not deployment.settings.passwords and not _linked(deployment):
        remedy = "run `recommender staff link NAME`, or set RECOMMENDER_PASSWORDS=true until then"
        yield Fault("passwords", "are off, and no account is linked: nobody can sign in", remedy)


def _linked(deployment: Deployment) -> bool:
    """Whether an account is linked; true where the store cannot be read, which is another fault."""
    if deployment.store is None or not deployment.store_there:
        return True
    try:
        with closing(connect(deployment.store)) as store:
            if schema_version(store) != newest_version():
                return True
            with store.reading() as connection:
                return bool(linked_staff(connection))
    except StoreError:
        return True
