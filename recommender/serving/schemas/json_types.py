"""The JSON form of each kind of field: its type, conversion to and from raw cells, an example.

Types validate parsed JSON (`model_validate`), strictly.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    WrapValidator,
    create_model,
    model_validator,
)
from pydantic import Field as Setting
from pydantic_core import PydanticCustomError

from recommender.errors import Fault, IntakeError
from recommender.practice.columns import remedy_for
from recommender.practice.fields import Field
from recommender.values.ids import ID_PATTERN
from recommender.values.kinds import DAYS, KINDS, MAX_NUMBER, RawValue
from recommender.values.parsers import LINK_PATTERN, MAX_LINK

POSTCODE_PATTERN = "^[A-Za-z0-9]([A-Za-z0-9 -]{0,8}[A-Za-z0-9])?$"
ROOM_PATTERN = "^[A-Za-z0-9]([A-Za-z0-9 -]{0,8}[A-Za-z0-9])?$"
RANGE_PATTERN = "^[0-9]{4}-[0-9]{2}-[0-9]{2}( to [0-9]{4}-[0-9]{2}-[0-9]{2})?$"
MAX_PLACES = 20
MAX_RANGES = 100
MAX_WINDOWS = 100
MAX_IDS = 200

EXAMPLE_CLINICIANS = ("psy01", "psy02")
"""Ids of clinicians in examples; the sample practice has them."""

STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _parse_date(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        if _ISO_DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise PydanticCustomError("date_parsing", "Input should be a date, written 2026-11-23")


JsonDate = Annotated[date, BeforeValidator(_parse_date)]
"""A date written as in 2026-11-23; strict types accept no text for a date."""


class Point(BaseModel):
    """A place by its coordinates, in degrees."""

    model_config = STRICT

    latitude: Annotated[float, Setting(ge=-90, le=90, allow_inf_nan=False)]
    longitude: Annotated[float, Setting(ge=-180, le=180, allow_inf_nan=False)]


class Postcode(BaseModel):
    """A place by a postcode the practice declares, meaning the centre of its area."""

    model_config = STRICT

    postcode: Annotated[str, Setting(pattern=POSTCODE_PATTERN)]


class TimeWindow(BaseModel):
    """A time range within one day of the week, in the practice's time zone."""

    model_config = STRICT

    day: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    start: Annotated[str, Setting(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    end: Annotated[str, Setting(pattern="^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]

    @model_validator(mode="after")
    def _within_one_day(self) -> Self:
        if self.start >= self.end:
            raise PydanticCustomError("not_within_a_day", "The end is not after the start")
        return self


class OpenWindow(TimeWindow):
    """A time range within one day of the week, on the clock of the clinician's rooms.

    Without `room`, `ways` and `every_weeks` it is for every room and way of meeting, every week.
    """

    room: Annotated[
        str | None,
        Setting(
            pattern=ROOM_PATTERN,
            description="The number of a room in the clinician's list of rooms, from 1, or the "
            "postcode of one.",
        ),
    ] = None
    ways: Annotated[
        list[str] | None,
        Setting(min_length=1, max_length=50, description="Ways of meeting it is for."),
    ] = None
    every_weeks: Annotated[
        int | None, Setting(ge=2, le=8, description="Weeks from one opening to the next.")
    ] = None
    from_week_of: Annotated[
        JsonDate | None,
        Setting(description="A date in a week in which it opens; given with `every_weeks`."),
    ] = None

    @model_validator(mode="after")
    def _weeks_have_a_date(self) -> Self:
        if (self.every_weeks is None) != (self.from_week_of is None):
            raise PydanticCustomError("weeks", "Give both every_weeks and from_week_of, or neither")
        return self


@dataclass(frozen=True, slots=True)
class JsonType:
    """The JSON form of one kind of field.

    Attributes
    ----------
    type_of
        The type of a field, with its bounds and levels.
    cell_of
        Converts a validated answer into a raw cell, see `recommender.values.kinds`.
    example_of
        An invented answer within the bounds and levels of a field.
    json_of
        Converts a raw cell into JSON.
    """

    type_of: Callable[[Field], Any]
    cell_of: Callable[[Any], RawValue]
    example_of: Callable[[Field], Any]
    json_of: Callable[[RawValue], Any]


def check_unique(members: list[Any]) -> list[Any]:
    """Validator: refuses a list with repeated members."""
    if len(set(members)) != len(members):
        raise PydanticCustomError("repeated", "A member is repeated")
    return members


def _unique_list(member: Any, max_length: int) -> Any:
    return Annotated[
        list[member],
        Setting(max_length=max_length, json_schema_extra={"uniqueItems": True}),
        AfterValidator(check_unique),
    ]


def _level(field: Field) -> Any:
    literal: Any = Literal
    return literal[field.levels]


def _number(field: Field, multiple: float | None = None) -> Any:
    low = -MAX_NUMBER if field.min is None else field.min
    high = MAX_NUMBER if field.max is None else field.max
    return Annotated[float, Setting(ge=low, le=high, allow_inf_nan=False, multiple_of=multiple)]


def _money(field: Field) -> Any:
    return _number(field, multiple=0.01)


def _tags(field: Field) -> Any:
    return _unique_list(_level(field), len(field.levels))


def _ids(_: Field) -> Any:
    return _unique_list(Annotated[str, Setting(pattern=ID_PATTERN)], MAX_IDS)


def _point_or_postcode(answer: Any, _: Any) -> Point | Postcode:
    # A plain union would report the errors of both types, at pointers that are not in the request.
    by_code = isinstance(answer, Postcode) or (
        isinstance(answer, dict)
        and ("postcode" in answer or not {"latitude", "longitude"} & set(answer))
    )
    return Postcode.model_validate(answer) if by_code else Point.model_validate(answer)


def _places(field: Field) -> Any:
    place: Any = Annotated[Point | Postcode, WrapValidator(_point_or_postcode)]
    member: Any = place if field.postcodes else Point
    return Annotated[list[member], Setting(min_length=1, max_length=MAX_PLACES)]


def _hours(_: Field) -> Any:
    return Annotated[list[TimeWindow], Setting(max_length=MAX_WINDOWS)]


def _open_hours(field: Field) -> Any:
    level: Any = _level(field) if field.levels else str
    ways: Any = Annotated[
        list[level] | None, Setting(description="Ways of meeting it is for.", min_length=1)
    ]
    window: Any = OpenWindow
    if field.levels:
        window = create_model("OpenWindow", __base__=OpenWindow, ways=(ways, None))
    return Annotated[list[window], Setting(max_length=MAX_WINDOWS)]


def _ranges(_: Field) -> Any:
    member: Any = Annotated[str, Setting(pattern=RANGE_PATTERN)]
    return Annotated[
        list[member],
        Setting(
            max_length=MAX_RANGES,
            description="Dates, or ranges of dates with both ends included.",
        ),
    ]


def _link(_: Field) -> Any:
    return Annotated[str, Setting(pattern=f"^{LINK_PATTERN}$", max_length=MAX_LINK)]


def _plain(of: Any) -> Callable[[Field], Any]:
    return lambda _: of


def _unchanged(answer: Any) -> RawValue:
    return answer


def _places_as_cell(places: list[Point | Postcode]) -> RawValue:
    return [
        place.postcode if isinstance(place, Postcode) else f"{place.latitude!r},{place.longitude!r}"
        for place in places
    ]


def _hours_as_cell(windows: list[TimeWindow]) -> RawValue:
    return [f"{window.day} {window.start}-{window.end}" for window in windows]


def _open_hours_as_cell(windows: list[OpenWindow]) -> RawValue:
    return [_open_window_as_cell(window) for window in windows]


def _open_window_as_cell(window: OpenWindow) -> str:
    text = f"{window.day} {window.start}-{window.end}"
    text += f" room {window.room}" if window.room else ""
    text += f" by {','.join(window.ways)}" if window.ways else ""
    if window.every_weeks is not None and window.from_week_of is not None:
        text += f" every {window.every_weeks} weeks from {window.from_week_of.isoformat()}"
    return text


def _plain_json(cell: RawValue) -> Any:
    if isinstance(cell, tuple):
        return list(cell)
    return cell.isoformat() if isinstance(cell, date) else cell


def _places_json(cell: RawValue) -> Any:
    return [_place_json(part) for part in cell]


def _place_json(part: str) -> dict[str, Any]:
    latitude, separator, longitude = part.partition(",")
    if not separator:
        return {"postcode": part}
    return {"latitude": float(latitude), "longitude": float(longitude)}


def _hours_json(cell: RawValue) -> Any:
    parts = [(window[:3], *window[4:].split("-")) for window in cell]
    return [{"day": day, "start": start, "end": end} for day, start, end in parts]


def _open_hours_json(cell: RawValue) -> Any:
    return [_open_window_json(window) for window in cell]


def _open_window_json(text: str) -> dict[str, Any]:
    hours, _, weeks = text.partition(" every ")
    hours, _, ways = hours.partition(" by ")
    hours, _, room = hours.partition(" room ")
    window: dict[str, Any] = _hours_json([hours])[0]
    window |= {"room": room} if room else {}
    window |= {"ways": ways.split(",")} if ways else {}
    if weeks:
        every, _, day = weeks.partition(" weeks from ")
        window |= {"every_weeks": int(every), "from_week_of": day}
    return window


def _middle(field: Field) -> float:
    """A whole number between the bounds where there is one."""
    low = field.min if field.min is not None else min(0.0, field.max or 0.0)
    high = field.max if field.max is not None else max(low, 0.0) + 200
    whole = float(round((low + high) / 2))
    return whole if low <= whole <= high else low


def _a_place(field: Field) -> list[dict[str, Any]]:
    if field.postcodes:
        return [{"postcode": min(field.postcodes)}]
    return [{"latitude": -33.87, "longitude": 151.21}]


def _a_person(field: Field) -> list[str]:
    return ["c0042"] if field.people_named == "clients" else [EXAMPLE_CLINICIANS[0]]


def _middle_level(field: Field) -> str:
    return field.levels[len(field.levels) // 2]


_HOURS = [{"day": DAYS[0], "start": "09:00", "end": "12:30"}]
_DAY = date(2026, 11, 23).isoformat()

JSON_TYPES: Mapping[str, JsonType] = {
    "number": JsonType(_number, _unchanged, _middle, _plain_json),
    "scale": JsonType(_number, _unchanged, _middle, _plain_json),
    "ordinal": JsonType(_level, _unchanged, _middle_level, _plain_json),
    "category": JsonType(_level, _unchanged, lambda field: field.levels[0], _plain_json),
    "tags": JsonType(_tags, _unchanged, lambda field: list(field.levels[:2]), _plain_json),
    "flag": JsonType(_plain(bool), _unchanged, lambda _: True, _plain_json),
    "place": JsonType(_places, _places_as_cell, _a_place, _places_json),
    "weekly_hours": JsonType(_hours, _hours_as_cell, lambda _: _HOURS, _hours_json),
    "availability": JsonType(_open_hours, _open_hours_as_cell, lambda _: _HOURS, _open_hours_json),
    "date_ranges": JsonType(
        _ranges, _unchanged, lambda _: ["2026-12-20 to 2027-01-10"], _plain_json
    ),
    "date": JsonType(_plain(JsonDate), _unchanged, lambda _: _DAY, _plain_json),
    "money": JsonType(_money, _unchanged, _middle, _plain_json),
    "ids": JsonType(_ids, _unchanged, _a_person, _plain_json),
    "link": JsonType(_link, _unchanged, lambda _: KINDS["link"].example, _plain_json),
}
"""One entry for each of `recommender.values.kinds.KINDS`."""


def with_json_remedies(error: IntakeError, fields: Mapping[str, Field]) -> IntakeError:
    """Faults of answers with remedies that show JSON, where they show a cell of a table."""
    return IntakeError(replace(fault, remedy=_in_json(fault, fields)) for fault in error.faults)


def _in_json(fault: Fault, fields: Mapping[str, Field]) -> str:
    field = fields.get(fault.where.rpartition(", ")[2])
    if field is None or fault.remedy != remedy_for(field):
        return fault.remedy
    example = json.dumps(JSON_TYPES[field.kind].example_of(field))
    if field.kind == "place" and field.postcodes and field.side == "client":
        return (
            f"send one of the postcodes of `GET /v1/questions`, like {example}, or leave it out: "
            "no distance is worked out then"
        )
    return f"send it like {example}"
