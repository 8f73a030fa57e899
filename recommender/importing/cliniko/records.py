"""The fields that are read of each kind of record in Cliniko; every other field is dropped at once.

Answers cannot be narrowed to some fields, so appointments arrive with the client's name and notes.
Only what is declared here leaves this module.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic import Field as Setting

from recommender.errors import RecommenderError

_LINK = re.compile(r"/([a-z_]+)/([0-9]{1,20})(?:[/?].*)?")
_ID = re.compile(r"[0-9]{1,20}")


def _id(value: Any) -> Any:
    """Ids are texts today and were numbers in earlier answers."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    raise ValueError("is not an id")


def _linked_id(value: Any) -> Any:
    """The id at the end of a link such as {"links": {"self": ".../v1/businesses/3"}}."""
    if value is None or (isinstance(value, str) and _ID.fullmatch(value)):
        return value
    links = value.get("links") if isinstance(value, dict) else None
    link = links.get("self") if isinstance(links, dict) else None
    found = _LINK.search(link) if isinstance(link, str) else None
    if found is None:
        raise ValueError("is not a link to a record")
    return found[2]


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("has no time zone")
    return value.astimezone(UTC)


Id = Annotated[str, BeforeValidator(_id)]
Linked = Annotated[str, BeforeValidator(_linked_id)]
LinkedOrNone = Annotated[str | None, BeforeValidator(_linked_id)]
Moment = Annotated[datetime, AfterValidator(_utc)]
Clock = Annotated[str, Setting(pattern=r"^([01][0-9]|2[0-4]):[0-5][0-9]$")]
Shown = Annotated[bool, BeforeValidator(bool)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    id: Id


class ClinikoPractitioner(_Record):
    """A practitioner; `active` is absent in earlier answers, where the list says it."""

    label: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    active: bool | None = None
    show_in_online_bookings: Shown = False

    @property
    def name(self) -> str:
        """The name that staff read."""
        return self.label or " ".join(filter(None, (self.first_name, self.last_name)))


class ClinikoBusiness(_Record):
    """A place of work."""

    business_name: str | None = None
    display_name: str | None = None
    post_code: str | None = None
    time_zone_identifier: str | None = None
    show_in_online_bookings: Shown = False


class ClinikoAppointmentType(_Record):
    """A type of appointment; the link to one billable item is of earlier answers."""

    name: str | None = None
    duration_in_minutes: int | None = None
    show_in_online_bookings: Shown = False
    billable_item: LinkedOrNone = None


class ClinikoClockRange(BaseModel):
    """A time of one day, on the clock of the business."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    starts_at: Clock
    ends_at: Clock


class ClinikoDailyAvailability(_Record):
    """The hours of a practitioner at a business on one day of the week, 1 for Monday."""

    day_of_week: Annotated[int, Setting(ge=1, le=7)]
    availabilities: tuple[ClinikoClockRange, ...] = ()
    business: Linked
    practitioner: Linked


class ClinikoBlock(_Record):
    """A time at which a practitioner takes no appointments at a business; never its notes."""

    starts_at: Moment
    ends_at: Moment
    archived_at: Moment | None = None
    deleted_at: Moment | None = None
    business: LinkedOrNone = None
    practitioner: LinkedOrNone = None

    @property
    def is_gone(self) -> bool:
        """Whether it no longer counts."""
        return self.archived_at is not None or self.deleted_at is not None


class ClinikoAppointment(_Record):
    """An appointment with one client; `patient` is Cliniko's id until it is a pseudonym."""

    starts_at: Moment
    archived_at: Moment | None = None
    deleted_at: Moment | None = None
    cancelled_at: Moment | None = None
    patient_arrived: bool | None = None
    did_not_arrive: bool | None = None
    practitioner: LinkedOrNone = None
    appointment_type: LinkedOrNone = None
    patient: LinkedOrNone = None

    @property
    def is_gone(self) -> bool:
        """Whether it did not and will not take place."""
        return any((self.archived_at, self.deleted_at, self.cancelled_at))


class ClinikoBillableItem(_Record):
    """What an appointment costs, without tax."""

    price: Decimal | None = None
    tax: LinkedOrNone = None


class ClinikoTypeItem(_Record):
    """A billable item of an appointment type, with its number and discount."""

    appointment_type: Linked
    billable_item: Linked
    quantity: Decimal | None = None
    discount_percentage: Decimal | None = None
    discounted_amount: Decimal | None = None


class ClinikoFreeTime(BaseModel):
    """A time at which an appointment can start."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    appointment_start: Moment


Kind = TypeVar("Kind", bound=BaseModel)


def read_record(kind: type[Kind], record: Any, of: str) -> Kind:
    """A record with the fields that are read of its kind.

    Raises
    ------
    RecommenderError
        When a field is missing or is not as documented; the message names fields, never a value.
    """
    try:
        return kind.model_validate(record)
    except ValidationError as error:
        fields = sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]})
        problem = f"has a record whose {', '.join(fields) or 'form'} is not as documented"
        remedy = "report it: nothing was changed"
        raise RecommenderError(f"Cliniko's {of}", problem, remedy) from None


def records_in(content: Mapping[str, Any], key: str) -> list[Any]:
    """The records of a page.

    Raises
    ------
    RecommenderError
        When the page has no list of this name.
    """
    records = content.get(key)
    if not isinstance(records, list):
        remedy = "report it: nothing was changed"
        raise RecommenderError(f"Cliniko's {key}", "is not in the answer", remedy)
    return records
