"""What a relaxation changes, in words that staff read."""

import numpy as np

from recommender.practice.definition import Practice
from recommender.practice.fields import Field, listed
from recommender.practice.rules.time_rules import windows_of
from recommender.recommendation.fact_text import added_hours_text, money_text
from recommender.screening.changes import Change, Relaxation, ScreenedRequest
from recommender.screening.relaxation import changed
from recommender.values.kinds import RawValue


def relaxation_text(request: ScreenedRequest, relaxation: Relaxation) -> str:
    """The changes in words; a question to the client where staff may only ask."""
    texts = [_text(request, change) for change in relaxation.changes]
    if relaxation.asks:
        return f"you could ask whether {texts[0]} matters"
    return " and ".join(texts)


def _text(request: ScreenedRequest, change: Change) -> str:
    field = request.practice.client[change.field]
    template = request.practice.constraints[change.constraint].offer
    if field.kind == "flag" or change.ask:
        return template or field.phrase
    stated, value = _answers(request, field, change)
    template = template or f"{field.phrase}: {{value}} instead of {{stated}}"
    return template.replace("{value}", value).replace("{stated}", stated)


def _answers(request: ScreenedRequest, field: Field, change: Change) -> tuple[str, str]:
    """The stated and the sufficient answer in words; for lists only their difference."""
    stated = request.client[field.name][0]
    if field.kind == "tags":
        named = {lv for lv, on in zip(field.levels, stated.tolist(), strict=True) if on == 1}
        apart = [lv for lv in field.levels if (lv in named) != (lv in change.answer)]
        return "", listed([field.label_of(level) for level in apart])
    if field.kind == "weekly_hours":
        return "", added_hours_text(
            windows_of(request.client[field.name]),
            windows_of(changed(request, [change])[field.name]),
        )
    if field.levels:
        before = "none" if np.isnan(stated) else field.label_of(field.levels[int(stated)])
        return before, field.label_of(str(change.answer))
    return (
        _amount(request.practice, field, float(stated) / field.behaviour.units),
        _amount(request.practice, field, change.answer),
    )


def _amount(practice: Practice, field: Field, value: RawValue) -> str:
    if field.kind != "money":
        return f"{value:g}" if isinstance(value, float) else str(value)
    return money_text(practice, float(value))
