"""The mapping from FHIR to a practice's tables: one TOML file, of which one ships for AU Base."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from recommender.alliance.instruments import METRICS
from recommender.tables.pairings import RATERS
from recommender.values.toml_settings import (
    FilledText,
    Number,
    Text,
    Texts,
    Whole,
    one_of,
    toml_table,
)

AHPRA = "http://hl7.org.au/id/ahpra-registration-number"
RATED_WITHIN_DAYS = 14
"""Days after a meeting within which a form without an encounter is about it: our choice, twice the
usual time between sessions."""


@toml_table
@dataclass(frozen=True, slots=True)
class MappingHeading:
    """The section `mapping`.

    `title` is what people read for it; `forms` are canonical addresses at which the practice
    published its own Questionnaires, beside those of `canonical_url`.
    """

    title: FilledText = "FHIR"
    forms: Texts = ()


@toml_table
@dataclass(frozen=True, slots=True)
class IdSettings:
    """The section `ids`: naming systems of identifiers by which people are told apart.

    Blank for the ids of the resources, which differ from server to server.
    """

    client: Text = ""
    clinician: Text = ""


@toml_table
@dataclass(frozen=True, slots=True)
class RosterSettings:
    """The section `roster`: which practitioners are clinicians of the practice.

    Attributes
    ----------
    professions
        First letters of registration numbers.
    codes
        Codes of a role, a specialty or a qualification.
    registration_system
        Naming system of registration numbers.
    """

    professions: Texts = ()
    codes: Texts = ()
    registration_system: FilledText = AHPRA


@toml_table
@dataclass(frozen=True, slots=True)
class PairingSettings:
    """The section `pairing`: how a form without an encounter finds the meeting it is about."""

    rated_within_days: Whole = RATED_WITHIN_DAYS


@toml_table
@dataclass(frozen=True, slots=True)
class ClientSettings:
    """The section `clients`.

    `age_field` is the number of clients that is computed, in years, from the date of birth on the
    day of the intake where the intake has no answer; blank to compute none.
    """

    age_field: Text = "age_years"


@toml_table
@dataclass(frozen=True, slots=True)
class ClinicianColumn:
    """How a field of clinicians is read.

    Attributes
    ----------
    sources
        Sources in order of preference; none where `value` is given.
    codes
        Levels of the field by code.
    value
        The same for everybody, as a cell writes it.
    """

    sources: Texts = ()
    codes: Mapping[str, Text] = field(default_factory=dict)
    value: Text | None = None


@toml_table
@dataclass(frozen=True, slots=True)
class IntakeItem:
    """The item of another system's questionnaire that answers a field.

    `codes` are the field's levels by code of the questionnaire.
    """

    link: FilledText
    codes: Mapping[str, Text] = field(default_factory=dict)


@toml_table
@dataclass(frozen=True, slots=True)
class RatingForm:
    """A questionnaire whose responses are ratings.

    Attributes
    ----------
    instrument, metric
        As the ratings table has them.
    rater
        Who rates; "" for whom the response names as its source.
    score, items
        Link ids of the total, or of the items in the order of the instrument.
    session
        Link id of the number of the session; "" to count meetings.
    values
        Responses by code, where items are answered by codes.
    """

    instrument: FilledText
    metric: Annotated[str, one_of(METRICS)]
    rater: Annotated[str, one_of(("", *RATERS))] = ""
    score: Text = ""
    items: Texts = ()
    session: Text = ""
    values: Mapping[str, Number] = field(default_factory=dict)


SCHEMAS: Mapping[str, Any] = {
    "mapping": MappingHeading,
    "ids": IdSettings,
    "roster": RosterSettings,
    "pairing": PairingSettings,
    "clients": ClientSettings,
}
"""Sections that are one table of settings."""


@dataclass(frozen=True, slots=True)
class FhirMapping:
    """A checked mapping; see the classes of its sections.

    `intake` and `ratings` are by canonical address of the questionnaire; `dropped` are settings
    that the practice definition has no use for.
    """

    title: str
    forms: tuple[str, ...]
    ids: IdSettings
    roster: RosterSettings
    pairing: PairingSettings
    clients: ClientSettings
    clinicians: Mapping[str, ClinicianColumn]
    intake: Mapping[str, Mapping[str, IntakeItem]]
    ratings: Mapping[str, RatingForm]
    dropped: tuple[str, ...] = ()
