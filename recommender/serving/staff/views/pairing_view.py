"""What the page of a pairing shows: its course, its ratings, and forms for both."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from recommender.journal.contradictions import asked_on
from recommender.journal.near_ids import similar_clients
from recommender.journal.pairings import (
    WITHDRAWN,
    Pairing,
    PairingEvent,
    PairingOutcome,
    events_of,
    find_pairing,
    pairing_outcome,
)
from recommender.journal.rated_pairings import RatedMatch, match_of
from recommender.journal.ratings import (
    Rating,
    RatingVersion,
    current_ratings,
    rating_history,
)
from recommender.journal.work_items import ratings_of
from recommender.practice.definition import Practice
from recommender.security.accounts import account_names
from recommender.serving.staff.form_data import TypedForm
from recommender.serving.staff.views.rating_form import (
    ITEMS,
    ItemEntry,
    item_entries,
    rating_due_text,
    score_ranges,
    score_text,
    typed_items,
)
from recommender.store.database import Connection


@dataclass(frozen=True, slots=True)
class PairingView:
    """A pairing with its events and, for each rating id, every version.

    `similar_clients` are codes of other clients that are nearly equal to this client's; `asked_on`
    is the day of the request it came of.
    """

    pairing: Pairing
    outcome: PairingOutcome
    events: tuple[PairingEvent, ...]
    ratings: tuple[tuple[str, tuple[RatingVersion, ...]], ...]
    accounts: Mapping[str, str]
    similar_clients: tuple[str, ...] = ()
    asked_on: date | None = None

    @property
    def current_ratings(self) -> tuple[Rating, ...]:
        """The newest version of every rating that is not withdrawn."""
        newest = (versions[-1] for _, versions in self.ratings)
        return tuple(each.rating for each in newest if not each.withdrawn)

    @property
    def withdrawal(self) -> PairingEvent | None:
        """The event that withdrew the pairing."""
        return next((each for each in self.events if each.kind == WITHDRAWN), None)


def pairing_view(connection: Connection, pairing_id: str) -> tuple[PairingView, RatedMatch | None]:
    """A pairing, and the recommendation it came of with its ratings, where there are both."""
    pairing, events = find_pairing(connection, pairing_id), events_of(connection, pairing_id)
    view = PairingView(
        pairing,
        pairing_outcome(events),
        events,
        tuple(
            (each, rating_history(connection, each))
            for each in ratings_of(connection, (pairing_id,))
        ),
        account_names(connection),
        similar_clients(connection, pairing.client_id),
        asked_on(connection, pairing),
    )
    return view, match_of(connection, pairing, current_ratings(connection, [pairing_id]))


def pairing_values(
    practice: Practice, view: PairingView, typed: TypedForm, items: str
) -> dict[str, Any]:
    """Values of `pairing.html`; `items` names a questionnaire to be entered item by item."""
    asked = typed.text(ITEMS, "instrument", items)
    instruments = [practice.instruments[name] for name in practice.alliance.instruments]
    by_items = [each for each in instruments if each.accepts_items]
    form = next((each for each in by_items if each.name == asked), None)
    return {
        "view": view,
        "typed": typed,
        "score_text": partial(score_text, instruments=practice.instruments),
        "ranges": score_ranges(instruments),
        "instruments": [each.name for each in instruments],
        "forms": practice.instruments,
        "by_items": [each.name for each in by_items],
        "form": form,
        "entries": item_entries(form, typed_items(form, typed.sent)) if form else (),
        "corrections": {
            rating_id: _correction_entries(practice, rating_id, versions[-1].rating, typed)
            for rating_id, versions in view.ratings
        },
        "early_sessions": practice.alliance.early_sessions,
        "due": rating_due_text(view.outcome, view.current_ratings, practice),
    }


def _correction_entries(
    practice: Practice, rating_id: str, rating: Rating, typed: TypedForm
) -> tuple[ItemEntry, ...]:
    """The items of a rating to be corrected; none where a total was entered."""
    instrument = practice.instruments.get(rating.instrument)
    if instrument is None or rating.metric != ITEMS:
        return ()
    if typed.form == rating_id:
        return item_entries(instrument, typed_items(instrument, typed.sent))
    return item_entries(
        instrument, tuple("" if each is None else f"{each:g}" for each in rating.items)
    )
