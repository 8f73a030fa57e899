"""Every command, option and setting that a page of documentation names exists."""

import re
from pathlib import Path

import pytest

from recommender.settings import unknown_variables
from tests.support.documented_commands import PAGES, ROOT, commands_of, missing_of

VARIABLE = re.compile(r"RECOMMENDER_[A-Z][A-Z_]*[A-Z]")
OF_CLIENTS = {"RECOMMENDER_URL"}
"""Read by the sample back end, which is no part of the server."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_and_setting_of_a_page_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    missing = {line: found for line in commands_of(text) if (found := missing_of(line))}
    assert missing == {}
    assert list(unknown_variables({*VARIABLE.findall(text)} - OF_CLIENTS)) == []


def test_a_command_or_option_that_is_not_there_is_found() -> None:
    page = "Run `recommender keys end KEY`, then\n```\nrecommender sweep --quickly  # daily\n```\n"
    assert [missing_of(line) for line in commands_of(page)] == [["--quickly"], ["end"]]
