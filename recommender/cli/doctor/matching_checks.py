"""Checks of the matching page: whom it sends clients to, what it says, and who may frame it."""

from collections.abc import Iterator
from itertools import chain

from recommender.cli.doctor.deployment import Deployment
from recommender.errors import Fault
from recommender.practice.definition import Practice, shipped_practice
from recommender.practice.matching_page import WHERE, MatchingPage, unready
from recommender.security.origins import is_local

CONSENT = ("used", "by_whom", "how_long", "if_declined")
FEWEST_DIGITS = 3
"""Digits of the shortest numbers that a telephone rings, such as 000."""
FEWEST_WORDS = 4
"""Below so many words a text informs nobody of what they agree to."""


def check_matching_page(deployment: Deployment) -> Iterator[Fault]:
    """Where the matching page is switched on, its definition and its settings are fit for it."""
    ancestors = deployment.matching_frame_ancestors
    if not deployment.matching_page:
        if ancestors:
            remedy = "set RECOMMENDER_MATCHING_PAGE=true, or remove the frame ancestors"
            yield Fault("matching_frame_ancestors", "is set, and the page is off", remedy)
        return
    if deployment.store is None:
        remedy = "set RECOMMENDER_STORE: without it only this machine is served, and no wish stored"
        yield Fault(WHERE, "is switched on without a store", remedy)
    if any(each.startswith("http://") and not is_local(each) for each in ancestors):
        remedy = "write https://: others can change a page that is sent by http"
        yield Fault("matching_frame_ancestors", "has a site without https", remedy)
    practice = deployment.definition or shipped_practice()
    page = practice.matching_page
    yield from unready(page, bool(practice.forms.get("client")))
    if page is not None:
        parts = (_numbers(page), _texts(page), _age(page, practice), _questions(page, practice))
        yield from chain(*parts)


def _numbers(page: MatchingPage) -> Iterator[Fault]:
    numbers = {f"emergency.{place}": each.telephone for place, each in enumerate(page.emergency)}
    for name, number in {"telephone": page.telephone, **numbers}.items():
        if number and sum(map(str.isdigit, number)) < FEWEST_DIGITS:
            remedy = "write the whole number, and ring it"
            yield Fault(f"{WHERE}.{name}", "is too short to be rung", remedy)
    if page.telephone and {_digits(page.telephone)} == set(map(_digits, numbers.values())):
        remedy = "name a service that answers when the practice is closed"
        yield Fault(f"{WHERE}.emergency", "has the practice's own number alone", remedy)


def _texts(page: MatchingPage) -> Iterator[Fault]:
    for name in CONSENT:
        if len(getattr(page, name).split()) < FEWEST_WORDS:
            remedy = "say it in a sentence: clients agree to what they read here"
            yield Fault(f"{WHERE}.{name}", f"has fewer than {FEWEST_WORDS} words", remedy)
    if len({getattr(page, name) for name in CONSENT}) < len(CONSENT):
        remedy = "say in each what its name asks (docs/matching-page.md)"
        yield Fault(WHERE, f"has one text twice among {', '.join(CONSENT)}", remedy)


def _age(page: MatchingPage, practice: Practice) -> Iterator[Fault]:
    field, where = practice.client[page.age], f"{WHERE}.minimum_age"
    if field.max is not None and page.minimum_age > field.max:
        remedy = f"write an age that client.{page.age} accepts"
        yield Fault(where, "is above every age, so that nobody sees a list", remedy)
    if page.minimum_age <= max(field.min or 0, 0):
        remedy = "write the age from which a client may agree alone"
        yield Fault(where, "is below every age, so that children see a list", remedy)


def _questions(page: MatchingPage, practice: Practice) -> Iterator[Fault]:
    layout = practice.forms.get("client")
    answered = {page.age, practice.consent, *page.answers}
    if layout is not None and answered.issuperset(layout.first):
        remedy = "name what clients are asked in `first` of a section of [forms.client]"
        yield Fault("forms.client", "asks nothing but age and consent", remedy)


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))
