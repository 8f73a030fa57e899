"""Request and response models of clinicians, built from the practice definition."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, create_model
from pydantic import Field as Setting
from pydantic_core import PydanticCustomError

from recommender.journal.roster_versions import Cells
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.serving.schemas.intake import ATTRIBUTE_PREFIX, declared
from recommender.serving.schemas.json_types import EXAMPLE_CLINICIANS, JSON_TYPES, STRICT
from recommender.serving.schemas.reference_warnings import ReferenceWarning
from recommender.tables.cells import NAME_COLUMN
from recommender.values.ids import ID_PATTERN

MAX_CLINICIANS = 5_000
"""Largest number of clinicians in one request."""
AVAILABILITY_FAMILIES = ("capacity", "time")
"""Families of constraints whose clinician fields describe availability."""

Read = TypeVar("Read", bound=BaseModel)
_NAME = (Annotated[str, Setting(max_length=200)] | None, Setting(default=None, examples=["Ines"]))
_ID = (Annotated[str, Setting(pattern=ID_PATTERN)], Setting(examples=[EXAMPLE_CLINICIANS[0]]))

_UNRESOLVED: Mapping[str, Any] = {
    "reference_warnings": (
        list[ReferenceWarning],
        Setting(
            default=[],
            description="After a change: clients on lists who are not recorded, while a nearly "
            "equal id is. Absent without any.",
        ),
    )
}
_NEXT = (str | None, Setting(description="URL of the next page; null on the last."))
_VERSION: Mapping[str, Any] = {
    "roster_version": (str, Setting(description="As in recommendations; the ETag of /v1/roster.")),
    "availability_as_of": (datetime, Setting(description="When this version was written.")),
}


@dataclass(frozen=True, slots=True, eq=False)
class ClinicianSchema:
    """The models of a practice's clinicians.

    Attributes
    ----------
    fields
        Clinician fields, by name.
    availability
        Names of the fields that describe availability.
    update, patch, available, roster
        Request bodies: replace one clinician, change some facts, replace the availability,
        replace the roster.
    responses
        Response bodies: one clinician, a page of clinicians.
    """

    fields: Mapping[str, Field]
    availability: tuple[str, ...]
    update: type[BaseModel]
    patch: type[BaseModel]
    available: type[BaseModel]
    roster: type[BaseModel]
    responses: tuple[type[BaseModel], ...]

    @property
    def bodies(self) -> tuple[type[BaseModel], ...]:
        """The models of all request bodies."""
        return self.update, self.patch, self.available, self.roster

    def model_of(self, error: ValidationError) -> type[BaseModel]:
        """The request body that an error of a `read_...` method is about."""
        return next(each for each in self.bodies if each.__name__ == error.title)

    def read_update(self, body: Any) -> Cells:
        """Cells of a clinician from the body of a PUT; raises `pydantic.ValidationError`."""
        return self._row(self.update.model_validate(body))

    def read_patch(self, body: Any) -> Cells:
        """Changed cells, None for facts to remove; raises `pydantic.ValidationError`."""
        patch: Any = self.patch.model_validate(body)
        named = {NAME_COLUMN: patch.name} if NAME_COLUMN in patch.model_fields_set else {}
        given = [
            name for name in self.fields if ATTRIBUTE_PREFIX + name in patch.facts.model_fields_set
        ]
        return named | self._cells(patch.facts, given)

    def read_availability(self, body: Any) -> Cells:
        """All cells about availability, None for omitted ones."""
        return self._cells(self.available.model_validate(body), self.availability)

    def read_roster(self, body: Any) -> Mapping[str, Cells]:
        """All clinicians, by id; raises `pydantic.ValidationError`."""
        roster: Any = self.roster.model_validate(body)
        return {each.clinician_id: self._row(each) for each in roster.clinicians}

    def to_response(self, clinician_id: str, cells: Cells) -> dict[str, Any]:
        """A clinician in the form of a response; unknown facts are omitted."""
        facts = {
            name: JSON_TYPES[field.kind].json_of(cells[name])
            for name, field in self.fields.items()
            if cells.get(name) is not None
        }
        return {"clinician_id": clinician_id, "name": cells.get(NAME_COLUMN), "facts": facts}

    def _row(self, sent: Any) -> Cells:
        cells = {NAME_COLUMN: sent.name} | self._cells(sent.facts, self.fields)
        return {name: cell for name, cell in cells.items() if cell is not None}

    def _cells(self, facts: BaseModel, names: Iterable[str]) -> dict[str, Any]:
        sent = {name: getattr(facts, ATTRIBUTE_PREFIX + name) for name in names}
        return {
            name: None if fact is None else JSON_TYPES[self.fields[name].kind].cell_of(fact)
            for name, fact in sent.items()
        }


def build_clinician_schema(practice: Practice) -> ClinicianSchema:
    """The clinician models of a practice: every declared field, with its type and bounds."""
    fields = practice.clinician
    examples = {name: JSON_TYPES[field.kind].example_of(field) for name, field in fields.items()}
    facts = _model("Facts", "Facts about a clinician.", _settings(fields.values()))
    some = _model(
        "FactsPatch",
        "Facts to change: null removes a fact; omitted facts are unchanged.",
        _settings(replace(field, required=False) for field in fields.values()),
    )
    free = availability_of(practice)
    available = _model(
        "Availability",
        "All facts about availability; omitted facts become unknown.",
        _settings(fields[name] for name in free),
        {name: examples[name] for name in free},
    )
    update = _model(
        "ClinicianUpdate",
        "All facts about one clinician; omitted facts are unknown.",
        {"name": _NAME, "facts": (facts, ...)},
        {"name": "Ines", "facts": examples},
    )
    patch = _model(
        "ClinicianPatch",
        "Changes to some facts of one clinician.",
        {"name": _NAME, "facts": (some, Setting(default_factory=some))},
        {"facts": {name: examples[name] for name in free}},
    )
    clinician = _model(
        "Clinician",
        "One clinician of the roster.",
        {"clinician_id": _ID, "name": _NAME, "facts": (facts, ...)},
    )
    each: Any = clinician
    listed = Annotated[
        list[each], Setting(min_length=1, max_length=MAX_CLINICIANS), AfterValidator(_each_once)
    ]
    roster = _model(
        "RosterUpdate",
        "All clinicians of the roster; clinicians not listed are removed.",
        {"clinicians": (listed, ...)},
        {
            "clinicians": [
                {"clinician_id": each, "name": name, "facts": examples}
                for each, name in zip(EXAMPLE_CLINICIANS, ("Ines", "Jonas"), strict=True)
            ]
        },
    )
    responses = (
        _model(
            "ClinicianResponse",
            "A clinician and the version of the roster.",
            {"clinician": (clinician, ...), **_VERSION, **_UNRESOLVED},
        ),
        _model(
            "ClinicianPage",
            "Clinicians ordered by id.",
            {"clinicians": (list[each], ...), "next": _NEXT, **_VERSION, **_UNRESOLVED},
        ),
    )
    return ClinicianSchema(fields, free, update, patch, available, roster, responses)


def availability_of(practice: Practice) -> tuple[str, ...]:
    """Clinician fields on capacity, time and the first session, in declared order."""
    first = practice.first_session
    compared = {first.clinician, first.absences} | {
        name
        for constraint in practice.constraints.values()
        if constraint.family in AVAILABILITY_FAMILIES
        for name in constraint.clinician
    }
    return tuple(name for name in practice.clinician if name in compared)


def _each_once(clinicians: list[Any]) -> list[Any]:
    if len({each.clinician_id for each in clinicians}) != len(clinicians):
        raise PydanticCustomError("repeated", "A clinician is repeated")
    return clinicians


def _settings(fields: Iterable[Field]) -> dict[str, Any]:
    return {ATTRIBUTE_PREFIX + field.name: declared(field) for field in fields}


def _model(
    name: str,
    description: str,
    members: Mapping[str, Any],
    example: Mapping[str, Any] | None = None,
) -> type[BaseModel]:
    extra: Any = {"examples": [example]} if example else {}
    config = ConfigDict(**STRICT, json_schema_extra=extra)
    return create_model(name, __config__=config, __doc__=description, **members)
