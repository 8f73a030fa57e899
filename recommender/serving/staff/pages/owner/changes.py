"""What pages for the owner say of a change that is refused, and the secret their keys need."""

from collections.abc import Mapping

from fastapi import Request

from recommender.errors import (
    ConflictError,
    FeedbackError,
    NotFoundError,
    RecommenderError,
    UnavailableError,
)
from recommender.security.keys import Pepper
from recommender.serving.authorization import auth_backend
from recommender.serving.http.problems import NO_STORE, ProblemError
from recommender.serving.staff import wording


def pepper_of(request: Request) -> Pepper:
    """The secret that keys of this server are hashed with; refuses (409) without a store."""
    credentials = auth_backend(request).credentials
    if credentials is None:
        raise ProblemError(NO_STORE)
    return credentials.pepper


def faults_of(error: RecommenderError) -> Mapping[str, str]:
    """What is wrong by field, a sentence with the remedy; raises what is nobody's mistake."""
    if isinstance(error, UnavailableError):
        raise error
    if isinstance(error, FeedbackError):
        return {each.where: _sentence(each.problem, each.remedy) for each in error.faults}
    return {error.field: _sentence(error.problem, error.remedy)}


def status_of(error: RecommenderError) -> int:
    """The status of a page that shows the error."""
    if isinstance(error, NotFoundError):
        return 404
    return 409 if isinstance(error, ConflictError) else 422


def _sentence(problem: str, remedy: str) -> str:
    # Commands are of no use on a page.
    plain = "" if "`" in remedy else f": {remedy}"
    return wording.sentence(f"this {problem}{plain}.")
