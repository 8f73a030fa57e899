"""What a running server holds for the matching page; whether it is served at all."""

from dataclasses import dataclass

from fastapi import FastAPI

from recommender.errors import Fault, FaultsError
from recommender.practice.definition import Practice
from recommender.practice.matching_page import unready
from recommender.serving.auth_backend import AuthBackend
from recommender.serving.http.problems import NOT_FOUND, ProblemError
from recommender.serving.match.form_token import FormSigner
from recommender.serving.match.limits import PageLimits
from recommender.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class MatchingState:
    """The signer of the page's forms and the limits of its callers."""

    signer: FormSigner
    limits: PageLimits


def open_matching_page(
    settings: Settings, practice: Practice, auth: AuthBackend
) -> MatchingState | None:
    """The state of a server that shows the page; None where it is switched off.

    Raises
    ------
    FaultsError
        With everything that the definition lacks, and for a root path that begins like the page.
    """
    if not settings.matching_page:
        return None
    faults = unready(practice.matching_page, bool(practice.forms.get("client")))
    if settings.root_path.split("/")[1:2] == ["match"]:
        remedy = "choose another path: /match is the page's own address"
        faults.append(Fault("RECOMMENDER_ROOT_PATH", "begins with /match", remedy))
    if faults:
        raise FaultsError(faults)
    secret = b"" if auth.credentials is None else auth.credentials.pepper.secret
    return MatchingState(FormSigner(secret), PageLimits(settings))


def matching_state(app: FastAPI) -> MatchingState:
    """The state of the page on a running application; not found (404) where it is switched off."""
    state: MatchingState | None = app.state.matching
    if state is None:
        raise ProblemError(NOT_FOUND)
    return state
