"""The commands `staff link` and `staff unlink`, for signing in with an OpenID provider."""

from typing import Annotated

import typer

from recommender.cli.commands.access import Person
from recommender.cli.commands.console import (
    RequiredStoreUrl,
    opened_store,
    out,
    shell_actor,
    utc_now,
)
from recommender.errors import RecommenderError


def link(
    name: Person,
    store: RequiredStoreUrl,
    code: Annotated[
        str, typer.Option(help="The code that the person was shown after signing in there.")
    ] = "",
    subject: Annotated[
        str, typer.Option(help="The person's `sub` at the provider, in place of a code.")
    ] = "",
    issuer: Annotated[
        str,
        typer.Option(envvar="RECOMMENDER_OIDC_ISSUER", help="The provider, with `--subject`."),
    ] = "",
) -> None:
    """Let a person sign in to an account with an OpenID provider.

    The person signs in there first, and is shown a code. Take it from that person only: the
    code decides who gets the account.
    """
    from recommender.security.linked_identities import identity_code, link_identity

    with opened_store(store) as journal:
        if bool(code) == bool(subject):
            raise RecommenderError("--code", "or --subject is needed", "give one of the two")
        if subject and not issuer:
            remedy = "set RECOMMENDER_OIDC_ISSUER, or give --issuer"
            raise RecommenderError("--issuer", "is needed with --subject", remedy)
        linked = code or identity_code(issuer, subject)
        with journal.writing() as connection:
            link_identity(connection, name, linked, now=utc_now(), actor=shell_actor())
    out.print(f"{name} may sign in with the provider.", markup=False)


def unlink(name: Person, store: RequiredStoreUrl) -> None:
    """End signing in with a provider for an account, and end its sessions."""
    from recommender.security.linked_identities import unlink_identities

    with opened_store(store) as journal, journal.writing() as connection:
        unlink_identities(connection, name, actor=shell_actor())
    out.print(f"{name} can no longer sign in with the provider.", markup=False)
