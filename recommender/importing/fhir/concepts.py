"""Codes in resources, as the tokens that a mapping names."""

from collections.abc import Iterator, Mapping
from typing import Any

Body = Mapping[str, Any]

Tokens = tuple[str, ...]
"""The tokens of one concept, the most exact first: `system|code`, then the code alone."""
SEPARATOR = "|"
BCP_47 = "urn:ietf:bcp:47"


def tokens_of_concept(concept: object) -> Tokens:
    """The tokens of a CodeableConcept, a Coding or a code.

    >>> tokens_of_concept({"coding": [{"system": "http://snomed.info/sct", "code": "310191001"}]})
    ('http://snomed.info/sct|310191001', '310191001')
    """
    if isinstance(concept, bool):
        return (str(concept).lower(),)
    if isinstance(concept, str):
        return (concept,)
    if not isinstance(concept, Mapping):
        return ()
    codings = concept.get("coding") or ([concept] if "code" in concept else [])
    found = [token for coding in codings for token in _tokens_of_coding(coding)]
    return tuple(dict.fromkeys(found))


def _tokens_of_coding(coding: Body) -> Iterator[str]:
    code, system = coding.get("code"), coding.get("system")
    if not isinstance(code, str):
        return
    names = [code]
    if system == BCP_47 and "-" in code:
        # en-AU is English where the mapping does not tell the two apart.
        names.append(code.partition("-")[0])
    for name in names:
        if isinstance(system, str):
            yield f"{system}{SEPARATOR}{name}"
        yield name


def concepts_in(value: object) -> list[Tokens]:
    """The concepts of an element that holds one or several; those without a code are left out."""
    several = value if isinstance(value, list) else [] if value is None else [value]
    return [tokens for tokens in map(tokens_of_concept, several) if tokens]


def extension_values(element: Body, url: str) -> list[Tokens]:
    """The concepts, codes and flags of the extensions of an address, nested `value` included."""
    found: list[Tokens] = []
    for extension in element.get("extension") or []:
        if extension.get("url") == url:
            nested = [e for e in extension.get("extension") or [] if e.get("url") == "value"]
            for each in (extension, *nested):
                for name in ("valueCodeableConcept", "valueCoding", "valueCode", "valueBoolean"):
                    found += concepts_in(each.get(name))
    return found
