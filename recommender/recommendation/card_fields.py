"""Which of a practice's fields its cards show, and in which part."""

from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.rules.constraint import Constraint
from recommender.recommendation.card_parts import CardFields, Part
from recommender.recommendation.openings import HOURS

OF_COST = ("concession_fee", "bulk_bills")
"""Settings of the constraint on a gap that name further fields of the cost."""


def card_fields(practice: Practice) -> CardFields:
    """Which fields a practice's cards show, by what the fields are declared for.

    A part whose field nobody may see is absent, and so is one that the practice declares no field
    for.
    """
    rules = practice.constraints.values()
    first: dict[Part, str | None] = {
        "profession": _named_by(practice, "registration"),
        "photo": next((n for n, f in practice.clinician.items() if _is_shown_link(f)), None),
        "meeting": _rooms_of(practice) if practice.ways is None else practice.ways.clinician,
        "places": _rooms_of(practice),
        "cost": None if (cost := cost_rule(practice)) is None else cost.clinician[0],
        "next_times": next((each.clinician[0] for each in rules if each.rule == HOURS), None),
    }
    of_part = {
        part: name
        for part, name in first.items()
        if name is not None and practice.clinician[name].shown_to != "nobody"
    }
    taken = {*first.values(), *_cost_fields(practice)}
    others = {
        name: field.only_if_asked
        for name, field in practice.clinician.items()
        if field.shown_to != "nobody" and name not in taken
    }
    for_staff = [n for n, field in practice.clinician.items() if field.shown_to == "staff"]
    parts = [part for part, name in of_part.items() if name in for_staff]
    shown = {*others, *of_part.values()}
    return CardFields(
        of_part,
        tuple(name for name, only_if_asked in others.items() if not only_if_asked),
        tuple(name for name, only_if_asked in others.items() if only_if_asked),
        (*(name for name in for_staff if name in shown), *parts),
    )


def cost_rule(practice: Practice) -> Constraint | None:
    """The constraint by which a session's cost is computed: the first on a gap."""
    rules = practice.constraints.values()
    return next((each for each in rules if each.rule == "gap_at_most"), None)


def _named_by(practice: Practice, setting: str) -> str | None:
    """The clinician's field that the first constraint with a setting names by it."""
    rules = practice.constraints.values()
    return next((str(r.settings[setting]) for r in rules if setting in r.settings), None)


def _rooms_of(practice: Practice) -> str | None:
    """The clinician's field of rooms: that of a distance, or else of open hours."""
    for rule in practice.constraints.values():
        if rule.rule == "within_km":
            return rule.clinician[0]
    return next((f.rooms for f in practice.clinician.values() if f.rooms is not None), None)


def _is_shown_link(field: Field) -> bool:
    return field.kind == "link" and field.shown_to != "nobody"


def _cost_fields(practice: Practice) -> tuple[str, ...]:
    """The clinician's fields that the cost is computed from, beside the fee."""
    rule = cost_rule(practice)
    names = () if rule is None else (rule.settings.get(name) for name in OF_COST)
    return tuple(name for name in names if name is not None)
