"""What people change of their own account: password, and the identity it is linked to."""

from collections.abc import Callable

from recommender.errors import RecommenderError
from recommender.security.accounts import Account, account_with_password, change_password
from recommender.security.linked_identities import link_identity, unlink_identities
from recommender.security.sessions import Session, open_session
from recommender.serving.auth_backend import AuthBackend
from recommender.serving.oidc.attempt import SignInAttempt
from recommender.store.database import Connection


async def change_own_password(
    auth: AuthBackend, session: Session, old: str, new: str
) -> Session | None:
    """A new session in place of all others of the account; None if the old password is wrong.

    Raises
    ------
    RecommenderError
        When the new password cannot be used.
    """
    if new == old:
        raise RecommenderError("password", "is the one you have", "choose another")

    def changed(connection: Connection) -> Account:
        name, actor = session.account.name, session.account.staff_id
        return change_password(connection, name, new, actor=actor)

    return await _with_password(auth, session, old, changed)


async def unlink_own(auth: AuthBackend, session: Session, password: str) -> Session | None:
    """A new session, none of whose account's identities signs in any more.

    None if the password is wrong: without one nobody could sign in afterwards.
    """

    def unlinked(connection: Connection) -> Account:
        name, actor = session.account.name, session.account.staff_id
        return unlink_identities(connection, name, actor=actor)

    return await _with_password(auth, session, password, unlinked)


async def link_own(
    auth: AuthBackend, session: Session, attempt: SignInAttempt, code: str, return_to: str
) -> None:
    """Links who signed in with the provider to the session's account.

    Raises
    ------
    SignInError
        When the provider does not say who it is.
    ConflictError
        When the identity is linked already.
    """
    store, provider = auth.required_credentials().store, auth.required_provider()

    def linked() -> None:
        identity, account = provider.identity(attempt, code, return_to), session.account
        with store.writing() as connection:
            actor = account.staff_id
            link_identity(connection, account.name, identity, now=auth.clock(), actor=actor)

    await auth.run(auth.provider_calls, linked)


async def _with_password(
    auth: AuthBackend, session: Session, password: str, change: Callable[[Connection], Account]
) -> Session | None:
    """A new session after a change that ends all others; None if the password is wrong."""
    store, name = auth.required_credentials().store, session.account.name

    def changed() -> Session | None:
        now = auth.clock()
        if account_with_password(store, name, password, now=now) is None:
            return None
        with store.writing() as connection:
            return open_session(connection, change(connection), now=now)

    return await auth.run(auth.hashes, changed)
