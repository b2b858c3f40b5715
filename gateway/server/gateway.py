"""The gateway with its listener: the parts, the API over them, what runs besides, the log and the metrics.

I/O: through what it composes.
Source: STYLE 12.
"""

import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.admission.announcing import Decided
from gateway.admission.turns import InTurns
from gateway.api.application import Api
from gateway.api.settings import ApiDependencies, ApiSettings
from gateway.app import Parts, compose
from gateway.config.issuers import token_issuers
from gateway.config.sections import Config
from gateway.errors import GatewayError
from gateway.identity.federation.ci_sessions import CiSessions
from gateway.identity.federation.issuers import TokenIssuer
from gateway.identity.key_files import load_key_ring
from gateway.identity.key_ring import KeyRing
from gateway.identity.password_door import PasswordDoor
from gateway.identity.passwords import RFC_9106_SECOND, PasswordThreads
from gateway.identity.throttle import Throttle
from gateway.outbound.client import Outbound
from gateway.server import log
from gateway.server.crowding import Crowding
from gateway.server.descriptors import max_connections, raise_limit
from gateway.server.metrics import Metrics
from gateway.server.run import Crowd, listening_socket, serve_application
from gateway.server.running import Running
from gateway.server.startable import check, metrics_secret
from gateway.server.surprises import Surprises
from gateway.server.timing import Timed

MAX_PASSWORD_HASHES: Final = 2
MAX_PASSWORD_QUEUE: Final = 16
MAX_PASSWORDS_OF_ONE: Final = 9
"""From one address, running and waiting: half of all. Behind a NAT are many, and they have turns only with others."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The ring of token keys that this process loaded."""

    ring: KeyRing

    def __call__(self) -> KeyRing:
        return self.ring


def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises `ConfigInvalid` and `Unavailable` before anything is served, and `StorageFailed` then or when a store fails.
    """
    check(config)
    log.take_over()
    # Before the stores: a second process on the same address has done nothing when it ends.
    with listening_socket(config) as listener:
        _serve(config, listener)


def _serve(config: Config, listener: socket.socket) -> None:
    metrics = Metrics()
    metrics.unwritten_lines(log.unwritten)
    most = max_connections(raise_limit())
    crowd = Crowd(
        max_connections=most,
        refused=Crowding(metrics=metrics, max_connections=most, monotonic=time.monotonic),
        counted=metrics.connections,
    )

    def decided(decision: Decided) -> None:
        metrics.decision(decision.outcome, decision_id=decision.decision_id)
        log.decision(decision)

    parts = compose(config, decided=decided)
    failed = Surprises(metrics=metrics, stop=lambda: signal.raise_signal(signal.SIGTERM))

    def requested(record: Mapping[str, object]) -> None:
        metrics.request(record)
        if config.log.requests:
            log.request(record)

    running = Running(parts, failed=failed, ended=failed.ended)
    passwords = PasswordThreads(
        parameters=RFC_9106_SECOND,
        max_concurrent=MAX_PASSWORD_HASHES,
        max_waiting=MAX_PASSWORD_QUEUE,
        max_of_one=MAX_PASSWORDS_OF_ONE,
        random_bytes=os.urandom,
    )
    keys = Keys(load_key_ring(config.path(config.identity.key_directory)))
    outbound = Outbound()
    behind = dependencies(parts, token_issuers(config, outbound), passwords, keys, metrics, failed, requested)

    async def ready() -> Mapping[str, str]:
        if failed.broken is not None:
            return failed.down()
        try:
            parts.database.files.check()
        except GatewayError as error:
            return {"catalog": error.message}
        return await behind.ready()

    api = Api(replace(behind, ready=ready), settings(config))

    @contextlib.asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        try:
            async with running.lifespan():
                yield
        finally:
            passwords.close()
            await outbound.close()

    def serving() -> None:
        server = config.server
        log.notice("serving", address=server.listen, url=server.public_url, policy=running.policy)

    def draining() -> None:
        log.notice("draining")

    serve_application(api, lifespan, config, listener=listener, crowd=crowd, listening=serving, draining=draining)
    failed.check()


def settings(config: Config) -> ApiSettings:
    """Return the API's settings. Raises `ConfigInvalid` for a metrics secret that cannot be read."""
    server = config.server
    _, port = server.address
    local = {f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", server.listen}
    return ApiSettings(
        public_url=server.public_url.rstrip("/"),
        service=server.public_host,
        hosts=frozenset(host.lower() for host in {server.public_host, *server.hosts, *local}),
        token_lifetime_seconds=config.identity.token_seconds,
        max_manifest_bytes=server.limits.manifest_bytes,
        max_blob_bytes=server.limits.blob_bytes,
        metrics_secret=metrics_secret(config),
    )


def dependencies(
    parts: Parts,
    issuers: Sequence[TokenIssuer],
    passwords: PasswordThreads,
    keys: Keys,
    metrics: Metrics,
    failed: Callable[[str, BaseException], None],
    requested: Callable[[Mapping[str, object]], None],
) -> ApiDependencies:
    """Return what the API is made of, over ``parts``: everything that a listener serves, without one.

    ``issuers`` are those whose CI tokens are taken.
    """

    async def ready() -> Mapping[str, str]:
        return await _down(parts)

    async def render(*, openmetrics: bool) -> bytes:
        metrics.stock(await parts.stats.stats())
        return metrics.render(openmetrics=openmetrics)

    def logged_in(
        *, principal_id: str | None, method: str, address: str, succeeded: bool, now: int, why: str = ""
    ) -> None:
        outcome = "succeeded" if succeeded else "failed"
        parts.logins.count(
            principal_id=principal_id, method=method, address=address, succeeded=succeeded, now=now, why=why
        )
        told = {"why": why} if why else {}
        log.notice("login", principal=principal_id, method=method, address=address, at=now, outcome=outcome, **told)

    return ApiDependencies(
        manifests=parts.manifests,
        listings=parts.listings,
        blobs=parts.blobs,
        uploads=parts.uploads,
        content=parts.content,
        admission=Timed(InTurns(parts.gate), metrics, time.monotonic),
        standings=parts.standings,
        accounts=parts.standings,
        passwords=PasswordDoor(passwords, Throttle()),
        ci=CiSessions(issuers=issuers, rules=parts.federation, sessions=parts.sessions, random_bytes=os.urandom),
        keys=keys,
        record_pull=parts.pulls.count,
        record_login=logged_in,
        ready=ready,
        metrics=render,
        log_request=requested,
        failed=failed,
        now=time.time,
        monotonic=time.monotonic,
        random_bytes=os.urandom,
    )


async def _down(parts: Parts) -> Mapping[str, str]:
    """Return what is down, by part: the catalog, or a policy that this worker does not have."""
    try:
        await parts.stats.check()
    except GatewayError as error:
        return {"catalog": error.message}
    if parts.engine.revision() is None:
        return {"policy": "no policy is active in this worker"}
    return {}
