"""The visible text of a page, a line for each block, row and control."""

import re
from html.parser import HTMLParser

LINES = frozenset(
    [
        "blockquote",
        "button",
        "caption",
        "dd",
        "desc",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "form",
        "h1",
        "h2",
        "h3",
        "header",
        "label",
        "legend",
        "li",
        "main",
        "nav",
        "option",
        "p",
        "section",
        "select",
        "summary",
        "svg",
        "table",
        "text",
        "title",
        "tr",
        "ul",
    ]
)
CELLS = frozenset({"td", "th"})
BUTTONS = {"button": "[{}]", "summary": "> {}"}
UNSEEN = (
    (re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{32}\b|\b[0-9a-f]{12}\b|\b[0-9a-f]{8}\b"), "(id)"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.+Z]+"), "(moment)"),
    (re.compile(r"as known \d{1,2} [^(]*\([^)]*\)"), "as known (moment)"),
    (
        re.compile(
            r"\d{1,2} [A-Z][a-z]+ \d{4}, (\d{1,2}:\d\d [ap]m|noon|midnight)( UTC| AE[DS]T)?"
        ),
        "(moment)",
    ),
    (re.compile(r"trained \d{1,2} [A-Z][a-z]+ \d{4}"), "trained (day)"),
    (re.compile(r"\bmade \d{1,2} [A-Z][a-z]+ \d{4}"), "made (day)"),
)
"""What differs from run to run: ids, digests, and the moments rows are written."""


class PageText(HTMLParser):
    """Collects the text of a page; headings are marked, cells of a row share a line."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._line = ""
        self._marks: list[str] = []
        self._is_time = False
        self.feed(html)
        self._end_line()

    @property
    def text(self) -> str:
        """One line for each block."""
        text = "\n".join(self._lines)
        for pattern, stand_in in UNSEEN:
            text = pattern.sub(stand_in, text)
        return f"{text}\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in CELLS:
            self._line += " | " if self._line.strip() else ""
        elif tag in LINES:
            self._end_line()
        if tag in ("h1", "h2", "h3"):
            self._line = "\n" + "#" * int(tag[1]) + " "
        if tag == "option":
            self._line = "  * " if ("selected", None) in attrs else "  - "
        if tag == "li":
            self._line = "- "
        if tag == "time":
            self._is_time = True
            self._line += "(moment)"
        if tag in BUTTONS:
            self._marks.append(BUTTONS[tag])

    def handle_endtag(self, tag: str) -> None:
        if tag == "time":
            self._is_time = False
        if tag in BUTTONS:
            self._line = self._marks.pop().format(" ".join(self._line.split()))
        if tag in LINES:
            self._end_line()

    def handle_data(self, data: str) -> None:
        if not self._is_time:
            self._line += re.sub(r"\s+", " ", data)

    def _end_line(self) -> None:
        if self._line.strip(" -*#\n"):
            self._lines.append(
                self._line.rstrip() if self._line[0] in " \n" else self._line.strip()
            )
        self._line = ""


def visible_text(html: str) -> str:
    """The text of a page as a person reads it, without what differs from run to run."""
    return PageText(html).text
