"""Docker 28: what somebody sees who only ever types `docker login`, `docker push` and `docker pull`."""

import re
from pathlib import Path

import pytest

from tests.clients.conftest import People
from tests.support.clients import Client, Signer
from tests.support.docker_daemon import DockerDaemon
from tests.support.gateway_process import GatewayProcess
from tests.support.images import image, write_docker_archive
from tests.support.programs import Ran


@pytest.fixture
def engine(daemon: DockerDaemon) -> DockerDaemon:
    """The engine with no image in it."""
    daemon.forget_images()
    return daemon


def docker(client: Client, engine: DockerDaemon, *words: str | Path, stdin: str = "") -> Ran:
    return client.run("docker", *words, stdin=stdin.encode(), env={"DOCKER_HOST": engine.socket})


def push(client: Client, engine: DockerDaemon, reference: str, seed: str) -> str:
    """Load an image into the engine, push it, return the digest that docker printed."""
    archive = write_docker_archive(client.home / "image.tar", image(seed), reference)
    docker(client, engine, "load", "--input", archive).ok()
    pushed = docker(client, engine, "push", reference).ok()
    printed = re.search(r"digest: (sha256:[0-9a-f]{64})", pushed.said)
    assert printed is not None, pushed.said
    return printed[1]


def test_login_and_logout(people: People, gateway: GatewayProcess, engine: DockerDaemon, repository: str) -> None:
    writer = people.writer
    writer.forget()
    try:
        said = docker(
            writer, engine, "login", gateway.host, "--username", writer.name, "--password-stdin", stdin=writer.password
        )
        said.ok().tells("Login Succeeded")
        push(writer, engine, f"{repository}:v1", "login")
        docker(writer, engine, "logout", gateway.host).ok().tells(f"Removing login credentials for {gateway.host}")
        docker(writer, engine, "push", f"{repository}:v1").failed("denied")
    finally:
        writer.remember()


def test_a_robot_logs_in(people: People, gateway: GatewayProcess, engine: DockerDaemon) -> None:
    robot = people.robot
    login = ("login", gateway.host, "--username", robot.name, "--password-stdin")
    docker(robot, engine, *login, stdin=robot.password).ok().tells("Login Succeeded")


@pytest.mark.parametrize("name", [pytest.param("writer", id="wrong-password"), pytest.param("nemo", id="no-account")])
def test_a_wrong_password_and_a_wrong_name_read_the_same(
    people: People, gateway: GatewayProcess, engine: DockerDaemon, name: str
) -> None:
    login = ("login", gateway.host, "--username", name, "--password-stdin")
    docker(people.nobody, engine, *login, stdin="wrong").failed(
        "unauthorized", "the user name or the password is wrong"
    )


def test_a_held_image_is_not_found_until_it_is_signed(
    people: People, signer: Signer, engine: DockerDaemon, repository: str
) -> None:
    tag = f"{repository}:v1"
    digest = push(people.writer, engine, tag, "held")
    engine.forget_images()
    docker(people.reader, engine, "pull", tag).failed("not found")
    docker(people.reader, engine, "pull", f"{repository}@{digest}").failed("not found")
    signer.sign(people.writer, f"{repository}@{digest}").ok()
    docker(people.reader, engine, "pull", tag).ok().tells(f"Digest: {digest}")
    kept = docker(people.reader, engine, "image", "inspect", "--format", "{{.RepoDigests}}", tag).ok()
    kept.tells(f"{repository}@{digest}")


def test_the_writer_pulls_back_what_waits(people: People, engine: DockerDaemon, repository: str) -> None:
    tag = f"{repository}:v1"
    digest = push(people.writer, engine, tag, "own")
    engine.forget_images()
    docker(people.writer, engine, "pull", tag).ok().tells(f"Digest: {digest}")


def test_an_outsider_learns_nothing(people: People, signer: Signer, engine: DockerDaemon, repository: str) -> None:
    digest = push(people.writer, engine, f"{repository}:v1", "outsider")
    signer.sign(people.writer, f"{repository}@{digest}").ok()
    engine.forget_images()
    there = docker(people.outsider, engine, "pull", f"{repository}:v1").failed()
    absent = docker(people.outsider, engine, "pull", f"{repository}-absent:v1").failed()
    assert there.said.replace(repository, "R") == absent.said.replace(f"{repository}-absent", "R")


def test_a_reader_cannot_push(people: People, engine: DockerDaemon, repository: str) -> None:
    archive = write_docker_archive(people.reader.home / "image.tar", image("reader"), f"{repository}:v1")
    docker(people.reader, engine, "load", "--input", archive).ok()
    refused = docker(people.reader, engine, "push", f"{repository}:v1").failed("denied")
    assert "Retrying" not in refused.said, "docker took the refusal for a passing fault, and tried for a minute"


def test_a_strict_project_says_why_in_one_line(
    people: People, gateway: GatewayProcess, engine: DockerDaemon, name: str
) -> None:
    tag = f"{gateway.host}/strict/{name}:v1"
    archive = write_docker_archive(people.writer.home / "image.tar", image("strict"), tag)
    docker(people.writer, engine, "load", "--input", archive).ok()
    said = docker(people.writer, engine, "push", tag).failed("wants a signature by release, and there is none")
    assert sum("wants a signature" in line for line in said.said.splitlines()) == 1
