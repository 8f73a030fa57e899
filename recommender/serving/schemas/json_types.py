"""How each kind of answer looks in JSON: its type, its way to a raw cell, and an example.

A table with one row a kind, so that a new kind is one new row. Imported by `serving.form` and
`serving.clinicians`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, WrapValidator
from pydantic import Field as Setting
from pydantic_core import PydanticCustomError

from recommender.practice.fields import Field
from recommender.values.kinds import DAYS, LARGEST, RawValue

ID_PATTERN = "^[A-Za-z0-9._-]{1,64}$"
POSTCODE_PATTERN = "^[A-Za-z0-9]([A-Za-z0-9 -]{0,8}[A-Za-z0-9])?$"
MAX_PLACES = 20
MAX_WINDOWS = 100
MAX_IDS = 200

STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)


class Point(BaseModel):
    """A place on the globe, in degrees."""

    model_config = STRICT

    latitude: Annotated[float, Setting(ge=-90, le=90, allow_inf_nan=False)]
    longitude: Annotated[float, Setting(ge=-180, le=180, allow_inf_nan=False)]


class Postcode(BaseModel):
    """A place by its postcode, one of those the practice declares: the middle of it is meant."""

    model_config = STRICT

    postcode: Annotated[str, Setting(pattern=POSTCODE_PATTERN)]


class TimeWindow(BaseModel):
    """Hours of one day of the week, in the practice's zone; they run forward within the day."""

    model_config = STRICT

    day: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    start: Annotated[str, Setting(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    end: Annotated[str, Setting(pattern="^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]


@dataclass(frozen=True, slots=True)
class JsonType:
    """One kind of answer in JSON.

    Attributes
    ----------
    type_of
        The type an answer must have, with the bounds and levels of the field.
    cell_of
        A validated answer as a cell that `recommender.values.kinds` reads.
    example_of
        An invented answer the field accepts, made of its bounds and levels.
    json_of
        A cell that an answer could be, as it would be sent.
    """

    type_of: Callable[[Field], Any]
    cell_of: Callable[[Any], RawValue]
    example_of: Callable[[Field], Any]
    json_of: Callable[[RawValue], Any]


def check_unique(members: list[Any]) -> list[Any]:
    """Refuses a list that names a member twice."""
    if len(set(members)) != len(members):
        raise PydanticCustomError("repeated", "A member is named twice")
    return members


def _listed(member: Any, most: int) -> Any:
    return Annotated[
        list[member],
        Setting(max_length=most, json_schema_extra={"uniqueItems": True}),
        AfterValidator(check_unique),
    ]


def _level(field: Field) -> Any:
    literal: Any = Literal
    return literal[field.levels]


def _number(field: Field, multiple: float | None = None) -> Any:
    low = -LARGEST if field.min is None else field.min
    high = LARGEST if field.max is None else field.max
    return Annotated[float, Setting(ge=low, le=high, allow_inf_nan=False, multiple_of=multiple)]


def _money(field: Field) -> Any:
    return _number(field, multiple=0.01)


def _tags(field: Field) -> Any:
    return _listed(_level(field), len(field.levels))


def _ids(_: Field) -> Any:
    return _listed(Annotated[str, Setting(pattern=ID_PATTERN)], MAX_IDS)


def _by_its_name(answer: Any, _: Any) -> Point | Postcode:
    # A plain union would report the faults of both forms, at pointers the caller never wrote.
    named = isinstance(answer, Postcode) or (isinstance(answer, dict) and "postcode" in answer)
    return Postcode.model_validate(answer) if named else Point.model_validate(answer)


def _places(field: Field) -> Any:
    place: Any = Annotated[Point | Postcode, WrapValidator(_by_its_name)]
    member: Any = place if field.postcodes else Point
    return Annotated[list[member], Setting(min_length=1, max_length=MAX_PLACES)]


def _hours(_: Field) -> Any:
    return Annotated[list[TimeWindow], Setting(max_length=MAX_WINDOWS)]


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


def _sent(cell: RawValue) -> Any:
    if isinstance(cell, tuple):
        return list(cell)
    return cell.isoformat() if isinstance(cell, date) else cell


def _places_sent(cell: RawValue) -> Any:
    return [_place_sent(part) for part in cell]


def _place_sent(part: str) -> dict[str, Any]:
    latitude, separator, longitude = part.partition(",")
    if not separator:
        return {"postcode": part}
    return {"latitude": float(latitude), "longitude": float(longitude)}


def _hours_sent(cell: RawValue) -> Any:
    parts = [(window[:3], *window[4:].split("-")) for window in cell]
    return [{"day": day, "start": start, "end": end} for day, start, end in parts]


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


def _middle_level(field: Field) -> str:
    return field.levels[len(field.levels) // 2]


_HOURS = [{"day": DAYS[0], "start": "09:00", "end": "12:30"}]
_DAY = date(2026, 11, 23).isoformat()

JSON_TYPES: Mapping[str, JsonType] = {
    "number": JsonType(_number, _unchanged, _middle, _sent),
    "scale": JsonType(_number, _unchanged, _middle, _sent),
    "ordinal": JsonType(_level, _unchanged, _middle_level, _sent),
    "category": JsonType(_level, _unchanged, lambda field: field.levels[0], _sent),
    "tags": JsonType(_tags, _unchanged, lambda field: list(field.levels[:2]), _sent),
    "flag": JsonType(_plain(bool), _unchanged, lambda _: True, _sent),
    "place": JsonType(_places, _places_as_cell, _a_place, _places_sent),
    "weekly_hours": JsonType(_hours, _hours_as_cell, lambda _: _HOURS, _hours_sent),
    "date": JsonType(_plain(date), _unchanged, lambda _: _DAY, _sent),
    "money": JsonType(_money, _unchanged, _middle, _sent),
    "ids": JsonType(_ids, _unchanged, lambda _: ["k012"], _sent),
}
"""Every kind of `recommender.values.kinds.KINDS`, as JSON."""
