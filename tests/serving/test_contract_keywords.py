"""Every schema of the contract is one that programs which know OpenAPI 3.1 read as it is meant."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
import pytest

from recommender.serving.schemas.answer_schema import DIALECT
from tests.support.server import TestClient

ONE_SCHEMA = """not if then else items contains additionalProperties propertyNames unevaluatedItems
unevaluatedProperties contentSchema"""
LISTED_SCHEMAS = "allOf anyOf oneOf prefixItems"
NAMED_SCHEMAS = "properties patternProperties dependentSchemas $defs"
VALUES = """$id $schema $ref $anchor $dynamicRef $dynamicAnchor $vocabulary $comment type enum const
multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems
minItems uniqueItems maxContains minContains maxProperties minProperties required dependentRequired
title description default deprecated readOnly writeOnly examples format contentEncoding
contentMediaType"""
OF_OPENAPI = "discriminator xml externalDocs example"
"""Keywords by what they hold: those of JSON Schema 2020-12, and those that OpenAPI 3.1 adds."""
KNOWN = {
    word
    for words in (ONE_SCHEMA, LISTED_SCHEMAS, NAMED_SCHEMAS, VALUES, OF_OPENAPI)
    for word in words.split()
}


def schemas_of(part: Any, at: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every outermost schema of an OpenAPI document: of components, parameters, bodies, headers."""
    if isinstance(part, Mapping):
        for name, each in part.items():
            if at.endswith("/schemas") or name == "schema":
                yield f"{at}/{name}", each
            elif name not in ("example", "examples"):
                yield from schemas_of(each, f"{at}/{name}")
    elif isinstance(part, list):
        for number, each in enumerate(part):
            yield from schemas_of(each, f"{at}/{number}")


def unknown_keys(schema: Any, at: str) -> Iterator[str]:
    """Where a schema, or one within it, has a key that is no keyword."""
    if isinstance(schema, bool):
        return
    for name, value in schema.items():
        place = f"{at}/{name}"
        if name not in KNOWN and not name.startswith("x-"):
            yield place
        elif name in ONE_SCHEMA.split():
            yield from unknown_keys(value, place)
        elif name in LISTED_SCHEMAS.split():
            for number, each in enumerate(value):
                yield from unknown_keys(each, f"{place}/{number}")
        elif name in NAMED_SCHEMAS.split():
            for key, each in value.items():
                yield from unknown_keys(each, f"{place}/{key}")


@pytest.fixture(scope="module")
def schemas(caller: TestClient) -> list[tuple[str, Mapping[str, Any]]]:
    document = json.loads(caller.get("/openapi.json").content)
    assert document["openapi"].startswith("3.1.")
    return list(schemas_of(document))


def test_no_schema_has_a_key_that_is_no_keyword(
    schemas: list[tuple[str, Mapping[str, Any]]],
) -> None:
    assert len(schemas) > 200
    assert [each for at, schema in schemas for each in unknown_keys(schema, at)] == []


def test_every_schema_is_sound_by_the_schema_of_schemas(
    schemas: list[tuple[str, Mapping[str, Any]]],
) -> None:
    assert [at for at, schema in schemas if not _is_sound(schema)] == []


def _is_sound(schema: Mapping[str, Any]) -> bool:
    return jsonschema_rs.meta.is_valid({"$schema": DIALECT, **schema})


def test_bounds_of_query_parameters_are_those_a_program_reads(
    schemas: list[tuple[str, Mapping[str, Any]]],
) -> None:
    limits = [each for at, each in schemas if "/parameters/" in at and each.get("title") == "Limit"]
    assert [(each["minimum"], each["maximum"]) for each in limits] == [(1, 200), (1, 1000)]
