"""Services of a compose file, with the variables of its `.env`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<text>[^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Service:
    """One service as the compose file describes it, variables filled in.

    `target` is the stage of our Dockerfile, None for an image from elsewhere, named in `image`.
    """

    name: str
    image: str
    target: str | None
    entrypoint: list[str] | None
    command: list[str]
    environment: dict[str, str]
    volumes: list[str]
    networks: list[str]
    depends_on: list[str]
    health: list[str] | None
    user: str
    read_only: bool
    drops_capabilities: bool
    capabilities: list[str]
    profiles: list[str]


def read_compose(path: Path) -> dict[str, Service]:
    """The services of a compose file by name.

    Raises
    ------
    ValueError
        When a variable that must have a value has none.
    """
    given = read_variables(path.with_name(".env"))
    services = read_services(path, given)
    targets = {
        each["image"]: each["build"]["target"] for each in services.values() if "build" in each
    }
    return {name: _service(name, each, targets) for name, each in services.items()}


def read_services(path: Path, given: Mapping[str, str]) -> dict[str, Any]:
    """The part `services` of a compose file, with variables replaced in its texts.

    Raises
    ------
    ValueError
        When a variable that must have a value has none.
    """
    services: dict[str, Any] = _filled(yaml.safe_load(path.read_text("utf-8"))["services"], given)
    return services


def _filled(node: Any, given: Mapping[str, str]) -> Any:
    """A value of the document with every text interpolated; as compose, after it is parsed."""
    if isinstance(node, str):
        return interpolate(node, given)
    if isinstance(node, list):
        return [_filled(each, given) for each in node]
    if isinstance(node, dict):
        return {key: _filled(each, given) for key, each in node.items()}
    return node


def read_variables(path: Path) -> dict[str, str]:
    """The variables of a `.env` file."""
    if not path.is_file():
        return {}
    rows = [row.strip() for row in path.read_text("utf-8").splitlines()]
    pairs = (row.partition("=") for row in rows if row and not row.startswith("#"))
    return {name: value for name, _, value in pairs}


def interpolate(text: str, given: Mapping[str, str]) -> str:
    """The text with `${NAME}`, `${NAME:-default}` and `${NAME:?message}` replaced."""

    def value(found: re.Match[str]) -> str:
        stated = given.get(found["name"], "")
        if found["kind"] == "?" and not stated:
            raise ValueError(f"{found['name']}: {found['text']}")
        return stated or (found["text"] or "" if found["kind"] == "-" else "")

    return _VARIABLE.sub(value, text)


def _service(name: str, each: Mapping[str, Any], targets: Mapping[str, str]) -> Service:
    test = each.get("healthcheck", {}).get("test")
    if test is not None:
        test = ["sh", "-c", test[1]] if test[0] == "CMD-SHELL" else test[1:]
    return Service(
        name=name,
        image=each["image"],
        target=targets.get(each["image"]),
        entrypoint=each.get("entrypoint"),
        command=list(map(str, each.get("command", []))),
        environment={key: str(value) for key, value in each.get("environment", {}).items()},
        volumes=list(each.get("volumes", [])),
        networks=list(each.get("networks", [])),
        depends_on=list(each.get("depends_on", [])),
        health=[] if each.get("healthcheck", {}).get("disable") else test,
        user=str(each.get("user", "")),
        read_only=bool(each.get("read_only")),
        drops_capabilities="ALL" in each.get("cap_drop", []),
        capabilities=list(each.get("cap_add", [])),
        profiles=list(each.get("profiles", [])),
    )
