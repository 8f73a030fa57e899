"""Whether the client's early rating is due. Imported by `staff.following` and `staff.queue`."""

from collections.abc import Sequence

from recommender.journal.pairings import PairingOutcome
from recommender.journal.ratings import CLIENT, Rating
from recommender.practice.definition import Practice
from recommender.serving.staff import wording


def is_due(course: PairingOutcome, ratings: Sequence[Rating], practice: Practice) -> bool:
    """Whether a session that counts as early was attended, and the client rated none of them."""
    first, last = practice.alliance.early_sessions
    rated = any(each.rater == CLIENT and first <= each.session <= last for each in ratings)
    return (course.sessions or 0) >= first and not rated


def due_said(course: PairingOutcome, ratings: Sequence[Rating], practice: Practice) -> str:
    """The same in words, empty where none is due."""
    if not is_due(course, ratings, practice):
        return ""
    return wording.due(course.sessions or 0, *practice.alliance.early_sessions)
