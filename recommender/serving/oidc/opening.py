"""The provider of a server's settings."""

from typing import TYPE_CHECKING

from recommender.errors import RecommenderError
from recommender.serving.oidc.addresses import is_protected
from recommender.settings import Settings

if TYPE_CHECKING:
    from recommender.serving.oidc.provider import OidcProvider


def open_provider(settings: Settings) -> "OidcProvider | None":
    """The provider of the settings, which is not asked anything yet; None without one.

    Raises
    ------
    RecommenderError
        When settings are missing, or nobody could sign in.
    """
    secret = settings.oidc_client_secret and settings.oidc_client_secret.get_secret_value()
    given = {
        "oidc_issuer": settings.oidc_issuer,
        "oidc_client_id": settings.oidc_client_id,
        "oidc_client_secret": secret,
    }
    if not any(given.values()):
        if not settings.passwords:
            remedy = "set RECOMMENDER_OIDC_ISSUER and what belongs to it, or leave passwords on"
            raise RecommenderError("passwords", "are off without a provider to sign in", remedy)
        return None
    for name, value in given.items():
        if not value:
            remedy = f"set RECOMMENDER_{name.upper()}, or none of RECOMMENDER_OIDC_*"
            raise RecommenderError(name, "is missing", remedy)
    if settings.store is None:
        remedy = "set RECOMMENDER_STORE and RECOMMENDER_PEPPER"
        raise RecommenderError("oidc_issuer", "is set, and accounts need a store", remedy)
    if not is_protected(settings.oidc_issuer):
        remedy = "give an address such as https://accounts.google.com; http is for localhost only"
        raise RecommenderError("oidc_issuer", "is not an address by https", remedy)
    # Loaded only where it is used: its libraries take time and memory.
    from recommender.serving.oidc.provider import OidcProvider

    issuer, client_id, client_secret = (str(value) for value in given.values())
    return OidcProvider(issuer, client_id, client_secret, settings.oidc_name)
