from dataclasses import replace

from recommender.model.card import Card, CardEntry, card_of
from recommender.serving.staff.carded import Carded, parts_of
from tests.support.builders import a_model
from tests.support.reports import a_report


def test_a_text_becomes_paragraphs_lists_and_tables_without_its_marks() -> None:
    text = "Made *so*,\nby `train`.\n- one\n- two\n\n| a | b |\n|---|---|\n| x\\|y |  |\n\nEnd."
    said, listed, table, end = parts_of(text)
    assert said.rows == (("Made so, by train.",),)
    assert listed.rows == (("one",), ("two",))
    assert table.rows == (("a", "b"), ("x|y", ""))
    assert end.rows == (("End.",),)


def test_an_empty_entry_has_no_part() -> None:
    card = Carded.of(Card("A card", (CardEntry("card.owner", "Owner", "  "),)))
    (section,) = card.sections
    assert (section.name, section.parts) == ("card-owner", ())


def test_no_figure_of_a_measured_card_is_lost() -> None:
    card = card_of(replace(a_model(), report=a_report()))
    shown = Carded.of(card)
    cells = [cell for section in shown.sections for part in section.parts for row in part.rows
             for cell in row]  # fmt: skip
    for entry in card.entries:
        for line in entry.text.splitlines():
            if line.startswith("| "):
                assert all(each.strip() in cells for each in line.strip("| ").split(" | "))
    assert any(part.kind == "table" for section in shown.sections for part in section.parts)
