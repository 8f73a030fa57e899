"""Ids of clients and clinicians: their canonical form, what may be one, and near misses.

Exact identity is identity: `005` and `5` may be two people. A near miss is only ever proposed.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

NONE_NAMED = "none"
"""Written in a list that names nobody, so that it is nobody's id."""
MAX_SUGGESTIONS = 3
"""People proposed for an id that names nobody."""

ID_PATTERN = "^[A-Za-z0-9._-]{1,64}$"
"""What an id is written with, as a regular expression."""
ID_FORM = "at most 64 letters, digits, dots, dashes and underscores"
"""The same in words."""
_ID = re.compile(ID_PATTERN)
# Telephone numbers without separators (Australian trunk 0, or 614 from abroad), and 8 to 15 digits
# in three or more groups, as telephone numbers and dates of birth are written.
_TELEPHONE = re.compile(r"0[1-9][0-9]{7,9}|614[0-9]{8}")
_GROUPS = re.compile(r"[0-9]+([.-][0-9]+){2,}")
_SEPARATORS = re.compile(r"[-_\s]+")
_DECIMAL_ENDING = re.compile(r"(?<=[0-9])(\.0+)+$")
_LEADING_ZEROS = re.compile(r"(?<![0-9.])0+(?=[0-9])")
ZEROS_IN_FRONT = "but differs from one of them only by zeros in front"
"""End of the problem of an id that is known with other zeros."""
_MIN_WORD = 3
"""Letters of a part of a name that is compared: initials and titles fit too many people."""


def canonical_id(text: str) -> str:
    r"""An id as it is stored and compared: in one Unicode form, without space around it.

    >>> canonical_id(" \uff45\uff10\uff10\uff15\u00a0")
    'e005'
    """
    return unicodedata.normalize("NFKC", text).strip()


def is_id(text: str) -> bool:
    """Whether a canonical text can be an id."""
    return _ID.fullmatch(text) is not None and text.lower() != NONE_NAMED


def id_problem(text: str) -> str | None:
    """What is wrong with a canonical text as a pseudonym; contact data is none."""
    if text.lower() == NONE_NAMED:
        return "is a word that means nobody in lists of ids"
    if not _ID.fullmatch(text):
        return "is not a pseudonym"
    if _TELEPHONE.fullmatch(text) or (_GROUPS.fullmatch(text) and 8 <= _digits(text) <= 15):
        return "looks like a telephone number or a date"
    return None


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


def near_key(text: str) -> str:
    """Equal for texts that differ in case, separators, leading zeros or a trailing `.0` alone.

    >>> {near_key(text) for text in ("K-005", "k5", "K_5.0", "k 05")}
    {'k5'}
    """
    joined = _SEPARATORS.sub("", canonical_id(text).casefold())
    return _LEADING_ZEROS.sub("", _DECIMAL_ENDING.sub("", joined))


def differ_by_zeros(one: str, other: str) -> bool:
    """Whether two different ids are equal but for zeros in front of their numbers.

    >>> differ_by_zeros("005", "5"), differ_by_zeros("k05", "k5"), differ_by_zeros("K5", "k5")
    (True, True, False)
    """
    return one != other and _LEADING_ZEROS.sub("", one) == _LEADING_ZEROS.sub("", other)


def near_misses(
    texts: Collection[str], ids: Sequence[str], names: Sequence[str | None] = ()
) -> dict[str, tuple[str, ...]]:
    """At most three known ids that each text may mean; a text that is a known id is left out.

    Parameters
    ----------
    texts
        Ids as they were written.
    ids
        The known ids.
    names
        Their names, in the same order; compared where no id is near. A part of a name of at least
        three letters is enough, also where a text that cannot be an id has it beside others.

    Examples
    --------
    >>> near_misses(["5", "k7", "wattle", "Dr Wattle"], ["005", "k7"], ["A. Wattle", None])
    {'5': ('005',), 'wattle': ('005',), 'Dr Wattle': ('005',)}
    """
    known = set(ids)
    lost = [text for text in texts if text not in known]
    wanted = {key for text in lost for key in (near_key(text), *_name_keys(text))}
    return NearIndex.of(ids, names, only=wanted).near_misses(texts) if wanted else {}


@dataclass(frozen=True, slots=True)
class NearIndex:
    """Known ids by their keys and by the keys of names, to find near misses repeatedly."""

    known: frozenset[str]
    by_key: Mapping[str, Sequence[str]]
    by_name: Mapping[str, Sequence[str]]

    @classmethod
    def of(
        cls,
        ids: Sequence[str],
        names: Sequence[str | None] = (),
        *,
        only: Collection[str] | None = None,
    ) -> "NearIndex":
        """The index of some people, restricted to the keys in `only` unless that is None."""
        by_key: dict[str, list[str]] = {}
        by_name: dict[str, list[str]] = {}
        for each in sorted(set(ids)):
            _add(by_key, {near_key(each)}, each, only)
        for each, name in sorted(zip(ids, names, strict=False)):
            _add(by_name, _name_keys(name or ""), each, only)
        return cls(frozenset(ids), by_key, by_name)

    def near_misses(self, texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """At most three known ids that each text may mean; see the function `near_misses`."""
        found = {}
        for text in texts:
            key = near_key(text)
            near = self.by_key.get(key) or self.by_name.get(key) or self._by_parts(text)
            if near and text not in self.known:
                found[text] = tuple(near[:MAX_SUGGESTIONS])
        return found

    def _by_parts(self, text: str) -> Sequence[str]:
        """People whose names share a part with a text that is written like a name."""
        if is_id(canonical_id(text)):
            return ()
        return sorted({each for key in _name_keys(text) for each in self.by_name.get(key, ())})


def _add(
    index: dict[str, list[str]], keys: set[str], each: str, only: Collection[str] | None
) -> None:
    for key in keys:
        if only is None or key in only:
            index.setdefault(key, []).append(each)


def did_you_mean(suggestions: Iterable[str]) -> str:
    """The question that proposes some ids; empty without any.

    >>> did_you_mean(["005", "05"])
    'did you mean 005 or 05?'
    """
    some = tuple(suggestions)
    return f"did you mean {' or '.join(some)}?" if some else ""


def with_question(suggestions: Iterable[str], remedy: str) -> str:
    """A remedy after the question that proposes some ids.

    >>> with_question(["005"], "fix the id")
    'did you mean 005? Otherwise fix the id'
    """
    question = did_you_mean(suggestions)
    return f"{question} Otherwise {remedy}" if question else remedy


def may_be_shown(text: str, suggestions: Iterable[str]) -> bool:
    """Whether a message may repeat a text: it is written like an id, not like a person's name."""
    if id_problem(text) is not None:
        return False
    is_code = any(character.isdigit() for character in text)
    return is_code or near_key(text) in {near_key(each) for each in suggestions}


def suggestions_for(near: Mapping[str, tuple[str, ...]], texts: Iterable[str]) -> tuple[str, ...]:
    """At most three ids proposed for some texts together, in the order of the texts."""
    proposed = dict.fromkeys(each for text in texts for each in near.get(text, ()))
    return tuple(proposed)[:MAX_SUGGESTIONS]


def _name_keys(name: str) -> set[str]:
    """The whole name and its longer parts, as keys."""
    parts = re.split(r"[\s.,]+", name)
    return {near_key(part) for part in (name, *parts) if len(part) >= _MIN_WORD}
