"""Responses to questionnaires: which are complete, to which questionnaire, by whom, when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from recommender.importing.fhir.resources import Resource, Resources
from recommender.importing.fhir.times import whole_day
from recommender.importing.import_report import ImportLog

KIND = "QuestionnaireResponse"
COMPLETE = frozenset({"completed", "amended"})
"""Statuses of responses that are used; others are unfinished, stopped or withdrawn."""


@dataclass(frozen=True, slots=True)
class Response:
    """A complete response.

    Attributes
    ----------
    resource
        The QuestionnaireResponse.
    questionnaire
        Canonical address of the questionnaire without its version.
    client
        The patient it is about.
    authored
        The practice's day on which it was answered.
    """

    resource: Resource
    questionnaire: str
    client: Resource
    authored: date

    @property
    def number(self) -> int:
        """The response's place among those read."""
        return self.resource.number


def complete_responses(resources: Resources, zone: ZoneInfo, log: ImportLog) -> Iterator[Response]:
    """The responses that can be used; the reason against each other one is recorded."""
    for resource in resources.of(KIND):
        response = _response(resource, resources, zone)
        if isinstance(response, str):
            log.leave_out_rows(KIND, response, [resource.number])
        else:
            yield response


def _response(resource: Resource, resources: Resources, zone: ZoneInfo) -> Response | str:
    body = resource.body
    if body.get("status") not in COMPLETE:
        return "is not complete"
    questionnaire = str(body.get("questionnaire") or "").partition("|")[0]
    if not questionnaire:
        return "names no questionnaire"
    client = resources.follow(body.get("subject"), resource, "Patient")
    if client is None:
        return "is about no patient that was read"
    authored = whole_day(body.get("authored"), zone)
    if authored is None:
        return "has no day on which it was answered"
    return Response(resource, questionnaire, client, authored)
