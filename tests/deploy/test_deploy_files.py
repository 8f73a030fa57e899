"""`deploy/` agrees with the code: names of settings, commands, routes, files, images."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from typer.main import get_command

from experiments.deploy_proof.__main__ import documented_commands
from experiments.deploy_proof.compose import read_services, read_variables
from experiments.deploy_proof.dockerfile import Stage, read_dockerfile
from recommender.cli.main import app
from recommender.serving.authorization import NEEDS
from recommender.settings import unknown_variables

DEPLOY = Path("deploy")
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
SECRETS = {"STORE_PASSWORD": "invented", "PEPPER": "invented"}


@pytest.fixture(scope="module")
def stages() -> dict[str, Stage]:
    return {stage.name: stage for stage in read_dockerfile(DEPLOY / "Dockerfile")}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return read_services(DEPLOY / "compose.yaml", SECRETS)


@pytest.fixture(scope="module")
def resources() -> list[dict[str, Any]]:
    return [each for path in MANIFESTS for each in yaml.safe_load_all(path.read_text("utf-8"))]


def pods(resources: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The pods of deployments and jobs, with the names of these."""
    for each in resources:
        spec = each.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            yield each["metadata"]["name"], spec["template"]["spec"]


def containers(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for _, pod in pods(resources) for each in pod["containers"]]


def options_of(words: list[str]) -> set[str]:
    """The options of a command of the command line; fails where there is no such command."""
    command: Any = get_command(app)
    rest = list(words)
    while hasattr(command, "commands"):
        assert rest, f"recommender {' '.join(words)} names no command"
        name = rest.pop(0)
        assert name in command.commands, f"recommender has no command {name}"
        command = command.commands[name]
    return {option for parameter in command.params for option in parameter.opts}


def test_every_image_from_elsewhere_is_pinned_by_digest(
    stages: dict[str, Stage], services: dict[str, Any]
) -> None:
    bases = [stage.base for stage in stages.values() if stage.base not in stages]
    others = [each["image"] for each in services.values() if "recommender" not in each["image"]]
    assert len(bases + others) == 3
    for image in bases + others:
        assert re.fullmatch(r"[a-z]+:[a-z0-9.-]+@sha256:[0-9a-f]{64}", image), image


def test_images_run_without_root_and_have_the_library_of_lightgbm(
    stages: dict[str, Stage],
) -> None:
    installed = [each.text for each in stages["base"].instructions if each.keyword == "RUN"]
    assert any("libgomp1" in text for text in installed)
    for name in ("server", "trainer"):
        users = [each.text for each in stages[name].instructions if each.keyword == "USER"]
        assert users == ["10001:10001"]


def test_what_the_dockerfile_copies_exists_and_reaches_the_build(stages: dict[str, Stage]) -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8")
    allowed = [row[1:] for row in ignored.splitlines() if row.startswith("!")]
    for stage in stages.values():
        for each in stage.instructions:
            if each.keyword != "COPY" or each.text.startswith("--from="):
                continue
            for name in each.text.split()[:-1]:
                assert Path(name).exists(), name
                assert any(each == name or each.startswith(f"{name}/") for each in allowed), name


def test_services_are_built_from_stages_that_exist(
    stages: dict[str, Stage], services: dict[str, Any]
) -> None:
    targets = [each["build"]["target"] for each in services.values() if "build" in each]
    assert set(targets) == {"server", "trainer", "sample"} <= set(stages)


def test_variables_of_containers_are_settings(
    services: dict[str, Any], resources: list[dict[str, Any]]
) -> None:
    named = [name for each in services.values() for name in each.get("environment", {})]
    named += [entry["name"] for each in containers(resources) for entry in each.get("env", [])]
    ours = [name for name in named if name.startswith("RECOMMENDER_")]
    assert "RECOMMENDER_STORE" in ours
    assert list(unknown_variables(ours)) == []


def test_variables_of_the_compose_file_are_in_the_example_of_its_environment() -> None:
    used = re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text("utf-8"))
    assert set(used) == set(read_variables(DEPLOY / "env.example"))


def test_the_compose_file_refuses_to_start_without_its_secrets() -> None:
    with pytest.raises(ValueError, match=r"STORE_PASSWORD: run the commands of README\.md"):
        read_services(DEPLOY / "compose.yaml", {})


def test_servers_are_started_with_options_that_exist(
    services: dict[str, Any], resources: list[dict[str, Any]]
) -> None:
    lines = [services["server"]["command"]]
    lines += [each["args"] for each in containers(resources) if each["name"] == "server"]
    assert len(lines) == 2
    for first, *options in lines:
        assert {option.partition("=")[0] for option in options} <= options_of([first])


def test_documented_commands_exist(services: dict[str, Any]) -> None:
    lines = documented_commands(DEPLOY / "README.md")
    found = [line for line in lines if "recommender " in line or " run " in line]
    assert len(found) > 6
    for line in found:
        words = shlex.split(line.partition(" > ")[0].partition(" < ")[0])
        words = [word for word in words[3:] if word not in ("--rm", "-T", "--entrypoint", "sh")]
        assert words[0] in services, line
        inside = words[2:] if words[1:2] == ["recommender"] else words[1:]
        if words[0] not in ("server", "trainer"):
            continue
        stated = {word for word in inside if word.startswith("--")}
        assert stated <= options_of(inside), line


def test_probes_ask_for_routes_that_anybody_may_see(
    stages: dict[str, Stage], resources: list[dict[str, Any]]
) -> None:
    health = [each.text for each in stages["server"].instructions if each.keyword == "HEALTHCHECK"]
    assert ":8000/livez" in health[0]
    probes = [
        container[kind]["httpGet"]["path"]
        for container in containers(resources)
        if container["name"] == "server"
        for kind in ("startupProbe", "livenessProbe", "readinessProbe")
    ]
    assert probes == ["/livez", "/livez", "/readyz"]
    assert {f"GET {path}" for path in probes} <= set(NEEDS)


def test_every_pod_has_limits_and_may_write_nothing_but_its_volumes(
    resources: list[dict[str, Any]],
) -> None:
    found = dict(pods(resources))
    assert set(found) == {"server", "registry", "migration", "backup"}
    for name, pod in found.items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["automountServiceAccountToken"] is False, name
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
            assert set(container["resources"]["limits"]) == {"cpu", "memory"}, name


def test_secrets_are_named_and_never_written(resources: list[dict[str, Any]]) -> None:
    assert not [each for each in resources if each["kind"] == "Secret"]
    for container in containers(resources):
        for entry in container.get("env", []):
            if entry["name"] in ("RECOMMENDER_STORE", "RECOMMENDER_PEPPER"):
                assert entry["valueFrom"]["secretKeyRef"]["name"] == "recommender"


def test_two_servers_run_and_one_stays_during_maintenance(resources: list[dict[str, Any]]) -> None:
    by_kind = {
        (each["kind"], each["metadata"]["name"]): each for each in resources if "spec" in each
    }
    assert by_kind["Deployment", "server"]["spec"]["replicas"] == 2
    assert by_kind["PodDisruptionBudget", "server"]["spec"]["minAvailable"] == 1


def test_every_manifest_is_applied_by_the_kustomization() -> None:
    kustomization = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text("utf-8"))
    listed = {*kustomization["resources"], "kustomization.yaml"}
    assert listed == {path.name for path in MANIFESTS}
