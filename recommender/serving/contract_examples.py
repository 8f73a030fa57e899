"""Examples of operations in the contract: parameters, bodies and a curl line for each.

Each can be sent as it is to a server with the sample practice, after those of the resources it
names. Ids that the server gives, and ETags, are those of an earlier response.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from recommender.serving.http.strict_json import JSON
from recommender.serving.role_contract import REF, SESSIONS, operations_of
from recommender.serving.schemas.json_types import EXAMPLE_CLINICIANS

CLIENT, PAIRING, DAY = "c0001", "p0001", "2026-11-23"
GIVEN_BY_SERVER = "0123456789abcdef0123456789abcdef"
"""In place of an id that the server gives to what it records."""
ETAG = '"0123456789abcdef"'
"""In place of the ETag of an earlier response."""
PARAMETERS: Mapping[str, Any] = {
    "clinician_id": EXAMPLE_CLINICIANS[0],
    "compared_with": EXAMPLE_CLINICIANS[1],
    "pairing_id": PAIRING,
    "pseudonym": CLIENT,
    "client_id": CLIENT,
    "If-Match": ETAG,
    "If-None-Match": ETAG,
}
"""Values of parameters by name, where the parameter has no example of its own."""
SERVER, KEY = "$RECOMMENDER_URL", "$RECOMMENDER_KEY"
"""What curl lines name in place of an address and a key: environment variables."""


def add_examples(document: Mapping[str, Any]) -> None:
    """Adds an example to each parameter and body of a contract, and curl lines to operations."""
    schemas = document["components"]["schemas"]
    for label, operation in operations_of(document):
        for parameter in operation.get("parameters", ()):
            example = _example_of(parameter)
            if "example" not in parameter and example is not None:
                parameter["example"] = example
        body = _body_of(operation)
        if body is not None:
            name = body["schema"]["$ref"].removeprefix(REF.format(model=""))
            body["example"] = _written_short(schemas[name]["examples"][0])
            schemas[name]["examples"] = [body["example"]]
        source = curl_line(label, operation)
        operation["x-codeSamples"] = [{"lang": "Shell", "label": "curl", "source": source}]


def curl_line(label: str, operation: Mapping[str, Any]) -> str:
    """The example of an operation as a command for a shell.

    Examples
    --------
    >>> print(curl_line("GET /livez", {"security": []}))
    curl "$RECOMMENDER_URL/livez"
    """
    method, path = label.split(" ")
    body = _body_of(operation)
    lines = [] if method == "GET" or (method == "POST" and body is not None) else [f"-X {method}"]
    headers = [f'"Authorization: Bearer {KEY}"'] if operation["security"] else []
    if SESSIONS in operation.get("tags", ()):
        headers = []
        lines.append("-b cookies.txt -c cookies.txt")
    for parameter in sent_parameters(operation):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        else:
            headers.append(_quoted(f"{parameter['name']}: {parameter['example']}"))
    if body is not None:
        headers.append(_quoted(f"Content-Type: {JSON}"))
    lines += [f"-H {header}" for header in headers]
    if body is not None:
        lines.append(f"-d {_quoted(json.dumps(body['example'], ensure_ascii=False))}")
    return " \\\n  ".join([f'curl "{SERVER}{path}"', *lines])


def sent_parameters(operation: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The parameters that the example of an operation sends: those it cannot do without."""
    for parameter in operation.get("parameters", ()):
        if parameter["required"] or parameter["name"] == "If-Match":
            yield parameter


def _body_of(operation: Mapping[str, Any]) -> Any:
    return operation.get("requestBody", {}).get("content", {}).get(JSON)


def _example_of(parameter: Mapping[str, Any]) -> Any:
    """A value of a parameter; None for one that can be omitted and has no usual value."""
    schema, name = parameter["schema"], parameter["name"]
    schema = next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema)
    for listed in (parameter["schema"].get("examples"), schema.get("enum")):
        if listed:
            return listed[0]
    members = schema.get("items", {}).get("enum")
    if members:
        return [members[0]]
    if schema.get("format") == "date":
        return DAY
    usual = PARAMETERS.get(name, schema.get("default"))
    return GIVEN_BY_SERVER if usual is None and parameter["required"] else usual


def _written_short(example: Any) -> Any:
    """An example with whole numbers as people write them: 34, not 34.0."""
    if isinstance(example, dict):
        return {name: _written_short(each) for name, each in example.items()}
    if isinstance(example, list):
        return [_written_short(each) for each in example]
    is_whole = isinstance(example, float) and example.is_integer()
    return int(example) if is_whole else example


def _quoted(text: str) -> str:
    """A text as one word of a shell."""
    escaped = text.replace("'", "'\\''")
    return f"'{escaped}'"
