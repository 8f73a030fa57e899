"""How plain the texts for clients in a Markdown page are.

The command: `python -m experiments.reading_grade PAGE`. A text begins after `<!-- name -->` and
ends before `<!-- end -->`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

_TEXT = re.compile(r"<!-- (\w+) -->\n(.*?)<!-- end -->", re.DOTALL)
_MARKUP = re.compile(r"\*\*|☐ *\w+|\[[^\]]*\]\([^)]*\)")
_SENTENCE = re.compile(r"[.?!:]\s+|\n\s*\n")
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")
_VOWELS = re.compile(r"[aeiouy]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """Counts of one text, and the school year that it needs.

    Attributes
    ----------
    grade
        .39 words a sentence + 11.8 syllables a word - 15.59 (Kincaid et al. 1975).
    longest
        Words of its longest sentence.
    """

    words: int
    sentences: int
    longest: int
    grade: float


def texts_of(page: Path) -> Mapping[str, str]:
    """The marked texts of a page, by name."""
    return dict(_TEXT.findall(page.read_text(encoding="utf-8")))


def reading(text: str) -> Reading:
    """Words, sentences and grade; a heading or a colon ends a sentence, placeholders count.

    >>> round(reading("You choose. We book no one.").grade, 1)
    -2.6
    """
    sentences = [_WORD.findall(part) for part in _SENTENCE.split(_MARKUP.sub(" ", text))]
    lengths = [len(words) for words in sentences if words]
    words = [word for sentence in sentences for word in sentence]
    syllables = sum(map(_syllables, words))
    grade = 0.39 * len(words) / len(lengths) + 11.8 * syllables / len(words) - 15.59
    return Reading(len(words), len(lengths), max(lengths), grade)


def _syllables(word: str) -> int:
    """Groups of vowels, without a silent e at the end; an approximation, as every program's."""
    small = word.lower()
    groups = len(_VOWELS.findall(small))
    silent = small.endswith("e") and not small.endswith("le") and groups > 1
    return max(1, groups - silent)


def main(page: Annotated[Path, typer.Argument(help="A Markdown page.")]) -> None:
    """Prints words, longest sentence and school year of each marked text."""
    if not (texts := texts_of(page)):
        raise SystemExit(
            f"{page}: has no text between <!-- name --> and <!-- end -->; mark the text"
        )
    for name, text in texts.items():
        found = reading(text)
        typer.echo(
            f"{name}: {found.words} words, {found.sentences} sentences, the longest of "
            f"{found.longest} words, school year {found.grade:.1f}"
        )


if __name__ == "__main__":
    typer.run(main)
