from pathlib import Path

import pytest

from experiments.deploy_proof.chroots import Chroot
from experiments.deploy_proof.compose import interpolate, read_compose
from experiments.deploy_proof.dockerfile import Instruction, read_dockerfile

DOCKERFILE = """
# Two stages.
FROM debian:trixie-slim@sha256:0 AS base
RUN apt-get update \\
    # what LightGBM needs
    && apt-get install libgomp1
FROM base AS server
ENTRYPOINT ["recommender"]
"""
COMPOSE = """
services:
  server:
    image: ours
    build: { context: .., target: server }
    command: ["--host=${HOST:-0.0.0.0}"]
    environment: { ISSUER: "${ISSUER:-}", SECRET: "${SECRET:?write it}" }
    healthcheck: { test: ["CMD-SHELL", "true || false"] }
  job: { image: ours, healthcheck: { disable: true } }
"""


def test_stages_and_continued_lines_of_a_dockerfile_are_read(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    base, server = read_dockerfile(tmp_path / "Dockerfile")
    assert base.instructions == [
        Instruction("RUN", "apt-get update && apt-get install libgomp1"),
    ]
    assert server.base == "base"
    assert server.instructions[0].words == ["recommender"]


def test_an_instruction_that_is_not_understood_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian AS base\nADD https://example.org/x /x\n")
    with pytest.raises(ValueError, match="ADD is not an instruction"):
        read_dockerfile(tmp_path / "Dockerfile")


def test_services_have_their_variables_and_the_stage_of_their_image(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / ".env").write_text("# secrets\nSECRET=invented\n")
    services = read_compose(tmp_path / "compose.yaml")
    assert services["server"].command == ["--host=0.0.0.0"]
    assert services["server"].environment == {"ISSUER": "", "SECRET": "invented"}
    assert services["server"].health == ["sh", "-c", "true || false"]
    assert services["job"].target == "server"
    assert services["job"].health == []


def test_a_variable_without_which_nothing_starts_is_named() -> None:
    with pytest.raises(ValueError, match="SECRET: write it"):
        interpolate("${SECRET:?write it}", {})


def test_a_container_drops_privileges_and_mounts_its_root_read_only(tmp_path: Path) -> None:
    chroot = Chroot(
        tmp_path,
        user="10001:10001",
        read_only=True,
        privileges=False,
        mounts={"/data:ro": tmp_path},
    )
    script = chroot.command(["true"])[-1]
    assert "--reuid=10001 --regid=10001 --clear-groups --bounding-set=-all" in script
    assert script.count("remount,bind,ro") == 2
