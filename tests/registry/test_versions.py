"""What is kept of a promotion comes back as it was."""

import json
from datetime import UTC, datetime

from recommender.registry.versions import (
    ROLLED_BACK,
    Promotion,
    Version,
    promotion_tags,
    read_promotions,
)

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
VERSION = Version(3, "ab", "run", AT)


def a_promotion(**facts: object) -> Promotion:
    told = {"at": AT, "version": 3, "digest": "ab", "by": "j.lee", "reason": "r", "previous": 2}
    return Promotion(**(told | facts))  # type: ignore[arg-type]


def test_a_record_comes_back_whole() -> None:
    notes = ("decided on 84 later ratings", "forced against interval: too short; mend it")
    rolled = a_promotion(kind=ROLLED_BACK, notes=notes, previous=None)
    assert read_promotions(VERSION, promotion_tags(rolled)) == (rolled,)


def test_records_come_back_oldest_first_whatever_else_is_tagged() -> None:
    later = a_promotion(at=AT.replace(hour=10), previous=None)
    tags = {"digest": "ab"} | promotion_tags(later) | promotion_tags(a_promotion())
    assert read_promotions(VERSION, tags) == (a_promotion(), later)


def test_more_notes_than_a_database_holds_are_counted() -> None:
    (kept,) = read_promotions(VERSION, promotion_tags(a_promotion(notes=("x" * 300,) * 40)))
    assert kept.notes[:-1] == ("x" * 300,) * (len(kept.notes) - 1)
    assert kept.notes[-1] == f"and {41 - len(kept.notes)} more"
    assert sum(map(len, kept.notes)) < 5000


def test_a_record_of_an_earlier_release_in_one_tag_of_json_comes_back_whole() -> None:
    record = {"by": "j.lee", "at": AT.isoformat(), "reason": "r", "previous": 2}
    record |= {"kind": "promoted", "notes": ["few ratings"]}
    tags = {"promotion.20261123T090000.000000Z": json.dumps(record)}

    assert read_promotions(VERSION, tags) == (a_promotion(notes=("few ratings",)),)


def test_tags_read_as_text_and_a_record_cut_short_is_none() -> None:
    tags = promotion_tags(a_promotion(notes=("few ratings", "forced against\nrange")))

    assert not any(text.startswith(("{", "[")) for text in tags.values())
    written = dict[str, str]()
    for name, text in tags.items():
        if name == "promotion.20261123T090000.000000Z":
            assert read_promotions(VERSION, written) == ()
        written[name] = text
    (kept,) = read_promotions(VERSION, written)
    assert kept.notes == ("few ratings", "forced against range")
