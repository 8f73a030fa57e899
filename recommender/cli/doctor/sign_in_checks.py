"""Checks of signing in with an OpenID provider: its documents, and that somebody is linked."""

from collections.abc import Iterator

from recommender.cli.doctor.deployment import Deployment
from recommender.cli.doctor.security_checks import read_store
from recommender.errors import Fault, RecommenderError
from recommender.security.linked_identities import linked_staff
from recommender.serving.oidc.attempt import SignInError
from recommender.serving.oidc.opening import open_provider


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
    if deployment.settings.passwords:
        return
    linked = read_store(deployment, linked_staff)
    if linked is not None and not linked:
        remedy = "run `recommender staff link NAME`, or set RECOMMENDER_PASSWORDS=true until then"
        yield Fault("passwords", "are off, and no account is linked: nobody can sign in", remedy)
