"""Resources as they were read: unpacked from bundles, checked, each once, and how they refer.

A resource that cannot be used is recorded with its kind, its number and the reason.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from recommender.importing.fhir.validation import problem_of
from recommender.importing.import_report import ImportLog

Body = Mapping[str, Any]

READ_KINDS = (
    "Practitioner",
    "PractitionerRole",
    "HealthcareService",
    "Location",
    "Schedule",
    "Slot",
    "Patient",
    "Encounter",
    "Appointment",
    "QuestionnaireResponse",
)
"""Kinds of resource that are read."""
UNKNOWN_KIND, BUNDLE = "unknown", "Bundle"
OTHER_KINDS = "other kinds"
"""What the report calls resources of kinds that are not read, which are numbered together."""
_KIND = re.compile(r"[A-Z][A-Za-z]{1,50}")
_RELATIVE = re.compile(r"(?:.*/)?(?P<kind>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})")
_VERSION = re.compile(r"/_history/[A-Za-z0-9.-]{1,64}$")
MAX_DEPTH = 5
"""Bundles within bundles that are unpacked; the published examples have one level."""


@dataclass(frozen=True, slots=True)
class Document:
    """Parsed JSON of a file, of a line of NDJSON or of a page of a server."""

    name: str
    content: object


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource.

    Attributes
    ----------
    kind, number
        Its type, and its place among those of its type in the order of reading, from 1.
    body
        Its JSON.
    full_url
        Address in the bundle it came from; "" without one.
    """

    kind: str
    number: int
    body: Body
    full_url: str = ""

    @property
    def id(self) -> str:
        """Its logical id; "" without one."""
        return str(self.body.get("id") or "")

    @property
    def key(self) -> str:
        """What tells it from others of its kind: its id, its address, or else its number."""
        return self.id or self.full_url or f"number {self.number}"

    @property
    def server(self) -> str:
        """The base of the server whose address the bundle gives; "" where it gives none."""
        ending = f"/{self.kind}/{self.id}"
        is_web = self.full_url.startswith(("http://", "https://"))
        return self.full_url.removesuffix(ending) if is_web and self.id else ""


@dataclass(frozen=True, slots=True)
class Resources:
    """The usable resources by kind, and an index by which references are followed."""

    by_kind: Mapping[str, tuple[Resource, ...]]
    _by_name: Mapping[str, Resource] = field(repr=False)
    _by_identifier: Mapping[tuple[str, str, str], Resource] = field(repr=False)

    def of(self, kind: str) -> tuple[Resource, ...]:
        """The resources of a kind, in the order of reading."""
        return self.by_kind.get(kind, ())

    def follow(self, reference: Body | None, owner: Resource, *kinds: str) -> Resource | None:
        """The resource that a reference names, if it is of one of these kinds; None if unread.

        Names by type and id, by the address in a bundle, by contained resource and by identifier
        are followed.
        """
        found = None if reference is None else self._named(reference, owner)
        return found if found is not None and found.kind in kinds else None

    def _named(self, reference: Body, owner: Resource) -> Resource | None:
        text = _VERSION.sub("", str(reference.get("reference") or ""))
        if text.startswith("#"):
            return _contained(text[1:], owner)
        if text:
            return self._by_name.get(text) or self._by_name.get(_relative(text))
        logical = reference.get("identifier") or {}
        named = (str(logical.get("system")), str(logical.get("value")))
        kinds = [str(reference["type"])] if reference.get("type") else READ_KINDS
        found = [self._by_identifier.get((kind, *named)) for kind in kinds]
        return next((each for each in found if each is not None), None)


def _relative(text: str) -> str:
    """Type and id of an address that ends with both; "" for others."""
    named = _RELATIVE.fullmatch(text)
    return f"{named['kind']}/{named['id']}" if named else ""


def _contained(name: str, owner: Resource) -> Resource | None:
    for body in owner.body.get("contained") or []:
        if body.get("id") == name:
            unique = {**body, "id": f"{owner.key}.{name}"}
            return Resource(str(body.get("resourceType")), owner.number, unique)
    return None


@dataclass(frozen=True, slots=True)
class _Entry:
    body: object
    full_url: str = ""
    problem: str = ""


def collect(documents: Iterable[Document], log: ImportLog) -> Resources:
    """The resources in some documents; what cannot be used is recorded in the log.

    Of several copies of a resource the one that was changed last counts.
    """
    numbers: dict[str, int] = {}
    latest: dict[tuple[str, str], Resource] = {}
    for document in documents:
        for entry in _entries(document.content):
            kind = _kind_of(entry.body)
            source = kind if kind in (*READ_KINDS, UNKNOWN_KIND, BUNDLE) else OTHER_KINDS
            numbers[source] = numbers.get(source, 0) + 1
            log.read(source, 1)
            problem = _problem_of(kind, entry)
            if problem is not None:
                log.leave_out_rows(source, problem, [numbers[source]])
                continue
            assert isinstance(entry.body, Mapping)  # for the type checker: `_problem_of` says so
            found = Resource(kind, numbers[kind], entry.body, entry.full_url)
            key = kind, found.key
            earlier = latest.get(key)
            if earlier is not None and "" != earlier.server != found.server != "":
                # One id on two servers may be two people.
                problem = "has the id of a resource of another server; import each by itself"
                log.leave_out_rows(kind, problem, [found.number])
                continue
            if earlier is not None and _changed(earlier) > _changed(found):
                earlier, found = found, earlier
            if earlier is not None:
                problem = "is an earlier copy of a resource that is there again"
                log.leave_out_rows(kind, problem, [earlier.number])
            latest[key] = found
    return _indexed(sorted(latest.values(), key=lambda each: each.number))


def _changed(resource: Resource) -> str:
    """When a resource was changed; copies of one server write it alike."""
    return str((resource.body.get("meta") or {}).get("lastUpdated") or "")


def _kind_of(body: object) -> str:
    kind = body.get("resourceType") if isinstance(body, Mapping) else None
    return kind if isinstance(kind, str) and _KIND.fullmatch(kind) else UNKNOWN_KIND


def _problem_of(kind: str, entry: _Entry) -> str | None:
    if entry.problem:
        return entry.problem
    if kind == UNKNOWN_KIND or not isinstance(entry.body, Mapping):
        return "is not a FHIR resource"
    if kind not in READ_KINDS:
        return f"{kind} is not read"
    return problem_of(entry.body)


def _entries(content: object, depth: int = 0) -> Iterator[_Entry]:
    """The resources in parsed JSON, those of bundles one by one."""
    is_bundle = isinstance(content, Mapping) and content.get("resourceType") == BUNDLE
    if not is_bundle:
        yield _Entry(content)
        return
    assert isinstance(content, Mapping)  # for the type checker
    entries = content.get("entry", [])
    if not isinstance(entries, list) or depth == MAX_DEPTH:
        problem = "has no list of entries" if depth < MAX_DEPTH else "is nested too deeply"
        yield _Entry(content, problem=problem)
        return
    seen: set[str] = set()
    for entry in entries:
        if not isinstance(entry, Mapping):
            yield _Entry(entry)
            continue
        address = entry.get("fullUrl")
        full_url = address if isinstance(address, str) else ""
        if content.get("type") == "history" and full_url:
            # The newest version comes first; a deletion has no resource.
            if full_url in seen:
                continue
            seen.add(full_url)
        yield from _unpacked(entry, full_url, depth)


def _unpacked(entry: Body, full_url: str, depth: int) -> Iterator[_Entry]:
    body, search = entry.get("resource"), entry.get("search")
    if body is None or (isinstance(search, Mapping) and search.get("mode") == "outcome"):
        return
    if _kind_of(body) == BUNDLE:
        yield from _entries(body, depth + 1)
    else:
        yield _Entry(body, full_url)


def _indexed(found: list[Resource]) -> Resources:
    by_kind: dict[str, list[Resource]] = {}
    by_name: dict[str, Resource] = {}
    by_identifier: dict[tuple[str, str, str], Resource] = {}
    for each in found:
        by_kind.setdefault(each.kind, []).append(each)
        if each.id:
            by_name[f"{each.kind}/{each.id}"] = each
        if each.full_url:
            by_name[each.full_url] = each
        for identifier in _identifiers(each.body):
            named = (str(identifier.get("system")), str(identifier.get("value")))
            by_identifier.setdefault((each.kind, *named), each)
    return Resources({k: tuple(v) for k, v in by_kind.items()}, by_name, by_identifier)


def _identifiers(body: Body) -> list[Body]:
    identifiers = body.get("identifier") or []
    return identifiers if isinstance(identifiers, list) else [identifiers]
