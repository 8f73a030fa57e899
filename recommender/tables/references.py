"""Ids in fields that name nobody: who wrote them, and whom they may mean.

Such an id is legal, because people leave, but it has no effect, which must never go unnoticed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from recommender.errors import Fault
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.rules.rule_input import IdIndex, id_index_in
from recommender.tables.cells import People
from recommender.tables.roster import Roster
from recommender.values.ids import did_you_mean, may_be_shown, near_key, near_misses

MAX_IDS_SHOWN = 5
"""Ids repeated in one message; further ones are counted."""
WISH_RULE = "listed"
"""The rule of constraints on people asked for by name."""
REFUSAL_RULE = "not_listed"
"""The rule of constraints on people who are refused by name."""
_PLACE = {"clinicians": "on the roster", "clients": "in the clients table"}


@dataclass(frozen=True, slots=True)
class KnownPeople:
    """Whom ids can refer to.

    Attributes
    ----------
    ids, names
        Ids, and names or None in the same order; clients have no names.
    complete
        Whether nobody else exists. In a part of the clients, an id that is not found is nothing
        unusual: only near misses of those who are there count.
    roster
        The roster of these people, which has indexed them; None for others.
    """

    ids: Sequence[str]
    names: Sequence[str | None] = ()
    complete: bool = True
    roster: Roster | None = None

    @classmethod
    def on(cls, roster: Roster) -> "KnownPeople":
        """The clinicians of a roster, which indexes them once."""
        return cls(roster.ids, roster.names, roster=roster)

    @property
    def known(self) -> frozenset[str]:
        """The ids as a set."""
        if self.roster is None:
            return frozenset(self.ids)
        return self.roster.columns.view("known ids", lambda: frozenset(self.ids))

    def near_misses(self, texts: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Whom ids that name nobody may mean."""
        if self.roster is not None:
            return self.roster.near_index.near_misses(texts)
        return near_misses(texts, self.ids, self.names)


@dataclass(frozen=True, slots=True)
class UnresolvedId:
    """One id that names nobody.

    Attributes
    ----------
    text
        The id as written.
    rows
        Places of the people whose answer has it, ascending.
    suggestions
        Ids it may mean, at most three.
    """

    text: str
    rows: tuple[int, ...]
    suggestions: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The id with the ids it may mean; what is not written like an id is not repeated."""
        if not may_be_shown(self.text, self.suggestions):
            shown = "one that is not written like an id"
        else:
            shown = self.text
        question = did_you_mean(self.suggestions)
        return f"{shown} ({question})" if question else shown


@dataclass(frozen=True, slots=True)
class UnresolvedReferences:
    """The ids in one field that name nobody.

    Attributes
    ----------
    field
        The field.
    ids
        Sorted by id, never empty.
    only_nobody
        Places of the people who ask by name for nobody who exists; empty for other fields.
    not_excluded
        Known people whom ids in a list of refusals nearly name, while the list does not exclude
        them; empty for other fields.
    """

    field: Field
    ids: tuple[UnresolvedId, ...]
    only_nobody: tuple[int, ...] = ()
    not_excluded: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[int, ...]:
        """Places of the people whose answer has such an id, ascending."""
        return tuple(sorted({row for each in self.ids for row in each.rows}))

    @property
    def problem(self) -> str:
        """How many ids are nobody and which, and what follows for refusals and wishes."""
        place = _PLACE[self.field.people_named]
        many = f"{len(self.ids)} ids that are" if len(self.ids) > 1 else "1 id that is"
        text = f"has {many} nobody {place}: {self.listed}"
        if self.not_excluded:
            text += f"; {self.failed_refusal}"
        if self.only_nobody:
            count = len(self.only_nobody)
            one = count == 1
            wishes = "the wish of 1 row names" if one else f"the wishes of {count} rows name"
            them = "it" if one else "them"
            text += f"; {wishes} no clinician {place}, so that nobody meets {them}"
        return text

    @property
    def failed_refusal(self) -> str:
        """What follows of refusals that nearly name somebody; empty without any."""
        if not self.not_excluded:
            return ""
        return f"as written, {effect_of_refusal(self.not_excluded, len(self.ids))}"

    @property
    def listed(self) -> str:
        """The first ids with whom they may mean, those with suggestions first."""
        first = sorted(self.ids, key=lambda each: (not each.suggestions, each.text))
        shown = list(dict.fromkeys(each.shown for each in first[:MAX_IDS_SHOWN]))
        more = len(first) - MAX_IDS_SHOWN
        return ", ".join([*shown, *([f"and {more} more"] if more > 0 else [])])

    @property
    def remedy(self) -> str:
        """What to do about it."""
        place = _PLACE[self.field.people_named]
        if self.not_excluded:
            return (
                f"write the ids as they are {place}, so that the refusal acts; only an id of "
                "somebody who left may stay"
            )
        return (
            f"write the ids as they are {place}; an id of somebody who left has no effect and may "
            "stay"
        )


def table_warnings(
    practice: Practice, clients: People, roster: People | Roster, *, every_client: bool
) -> tuple[Fault, ...]:
    """A warning for each field of clients or clinicians with ids that name nobody.

    Parameters
    ----------
    practice
        The definition.
    clients, roster
        The people.
    every_client
        Whether these are all clients of the practice; see `KnownPeople.complete`.
    """
    people = {
        "clients": KnownPeople(clients.ids, complete=every_client),
        "clinicians": KnownPeople(roster.ids, roster.names),
    }
    sides = (("client", clients.ids, clients.columns), ("clinician", roster.ids, roster.columns))
    return tuple(
        Fault(
            f"{found.field.label} of {first_of([ids[row] for row in found.rows])}",
            found.problem,
            found.remedy,
        )
        for side, ids, columns in sides
        for found in unresolved_references(practice, columns, side, people)
    )


def references_of_one(
    practice: Practice, client: Columns, client_id: str | None, roster: Roster
) -> tuple[UnresolvedReferences, ...]:
    """Ids in one client's answers that are nobody on the roster, and near misses of `client_id`.

    The latter are client ids on lists of the roster that differ from the client's own only
    slightly: the list may mean this client, and has no effect on them as it is written.
    """
    found: tuple[UnresolvedReferences, ...] = ()
    named = (client.values.get(field.name) for field in practice.naming["client"])
    if any(each is not None and each[0] for each in named):
        clinicians = {"clinicians": KnownPeople.on(roster)}
        found = unresolved_references(practice, client, "client", clinicians)
    if client_id is None or near_key(client_id) not in _near_on_lists(practice, roster.columns):
        return found
    same = {"clients": KnownPeople((client_id,), complete=False)}
    return (*found, *unresolved_references(practice, roster.columns, "clinician", same))


def unresolved_by_client(
    practice: Practice, clients: People, roster: Roster
) -> dict[str, tuple[str, ...]]:
    """`references_of_one` for each client who has any, as `field label: id`."""
    found = {
        clients.ids[row]: unresolved_of_one(
            practice, clients.columns.row(row), clients.ids[row], roster
        )
        for row in _in_doubt(practice, clients, roster)
    }
    return {name: lines for name, lines in found.items() if lines}


def _in_doubt(practice: Practice, clients: People, roster: Roster) -> list[int]:
    """The rows of clients who name somebody unknown, or whose id is like one on a list."""
    known = KnownPeople.on(roster).known
    answers = [clients.columns.values.get(field.name) for field in practice.naming["client"]]
    rows = {
        row
        for lists in answers
        if lists is not None
        for row, named in enumerate(lists.tolist())
        if named and not known.issuperset(named)
    }
    near = _near_on_lists(practice, roster.columns)
    rows |= {row for row, name in enumerate(clients.ids) if near and near_key(name) in near}
    return sorted(rows)


def unresolved_of_one(
    practice: Practice, client: Columns, client_id: str | None, roster: Roster
) -> tuple[str, ...]:
    """`references_of_one` as `field label: id`, for a column of an output."""
    found = references_of_one(practice, client, client_id, roster)
    return tuple(f"{each.field.label}: {one.text}" for each in found for one in each.ids)


def effect_of_refusal(not_excluded: Sequence[str], ids: int = 1) -> str:
    """What so many ids of nobody do in a list of refusals, of whom they nearly name.

    >>> effect_of_refusal(["k007"])
    'this refusal excludes nobody: k007 is not excluded by it'
    """
    refusals, them = (
        ("this refusal excludes", "it") if ids == 1 else ("these refusals exclude", "them")
    )
    be = "is" if len(not_excluded) == 1 else "are"
    return f"{refusals} nobody: {first_of(not_excluded)} {be} not excluded by {them}"


def first_of(ids: Sequence[str]) -> str:
    """The first of some ids, with the number of further ones."""
    more = len(ids) - MAX_IDS_SHOWN
    shown = ", ".join(ids[:MAX_IDS_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def unresolved_references(
    practice: Practice, columns: Columns, side: str, people: Mapping[str, KnownPeople]
) -> tuple[UnresolvedReferences, ...]:
    """The ids in the fields of some people that name nobody, by field in declared order.

    Parameters
    ----------
    practice
        The definition.
    columns
        The fields of clients or of clinicians; fields without a column are left out.
    side
        `client` or `clinician`: whose fields these are.
    people
        Whom ids refer to: `clients` and `clinicians`; ids that name people of a group that is
        left out are not checked.
    """
    found = [
        _in_field(practice, field, columns, people[field.people_named])
        for field in practice.naming[side]
        if field.people_named in people and field.name in columns.values
    ]
    return tuple([each for each in found if each is not None])


def _in_field(
    practice: Practice, field: Field, columns: Columns, people: KnownPeople
) -> UnresolvedReferences | None:
    index = id_index_in(columns, field.name)
    if not index.of:
        return None
    known = people.known
    lost = _lost(columns, field.name, index, known, people)
    if not lost:
        return None
    near = people.near_misses(lost)
    ids = tuple(UnresolvedId(e, tuple(sorted(set(index.of[e]))), near.get(e, ())) for e in lost)
    only_nobody: tuple[int, ...] = ()
    if people.complete and field.name in fields_of_rule(WISH_RULE, practice, field.side):
        rows = sorted({row for each in ids for row in each.rows})
        only_nobody = tuple(r for r in rows if known.isdisjoint(columns[field.name][r]))
    not_excluded: tuple[str, ...] = ()
    if field.name in fields_of_rule(REFUSAL_RULE, practice, field.side):
        lists = columns[field.name]
        meant = {
            suggestion
            for each in ids
            for suggestion in each.suggestions
            if any(suggestion not in lists[row] for row in each.rows)
        }
        not_excluded = tuple(sorted(meant))
    return UnresolvedReferences(field, ids, only_nobody, not_excluded)


def _lost(
    columns: Columns, name: str, index: IdIndex, known: frozenset[str], people: KnownPeople
) -> list[str]:
    """The ids of a column that name nobody; of a part of the people, near misses only."""
    if people.complete:
        return sorted(index.of.keys() - known)
    by_key = _ids_by_key(columns, name)
    near = {each for one in people.ids for each in by_key.get(near_key(one), ())}
    return sorted(near - known)


def _ids_by_key(columns: Columns, name: str) -> dict[str, list[str]]:
    """The ids in a column of lists, by their `near_key`."""
    return columns.view(("near ids", name), lambda: _by_key(id_index_in(columns, name).of))


def _near_on_lists(practice: Practice, clinicians: Columns) -> frozenset[str]:
    """The `near_key` of each client whom clinicians have on a list."""
    names = tuple(
        [
            field.name
            for field in practice.naming["clinician"]
            if field.people_named == "clients" and field.name in clinicians.values
        ]
    )
    return clinicians.view(
        ("near clients", names),
        lambda: frozenset().union(*[_ids_by_key(clinicians, name) for name in names]),
    )


def _by_key(ids: Iterable[str]) -> dict[str, list[str]]:
    by_key: dict[str, list[str]] = {}
    for each in ids:
        by_key.setdefault(near_key(each), []).append(each)
    return by_key


def fields_of_rule(rule: str, practice: Practice, side: str) -> set[str]:
    """Names of the fields of one side that constraints with a rule compare."""
    return {
        name
        for constraint in practice.constraints.values()
        if constraint.rule == rule
        for name in (constraint.client if side == "client" else constraint.clinician)
    }
