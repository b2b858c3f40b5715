"""Load in a closed loop: some clients, each on its own kept connection, each with one operation at a time.

An operation is a generator that yields requests and is sent their answers; its time is from its first request to the end
of its last answer. Connections are made, and TLS is agreed on, before the clock starts. Bounded in operations and in time:
none is begun after either bound, those in flight are waited for and count.

I/O: sockets, through `bench.wire`.
"""

import select
import ssl
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from bench.wire import BenchmarkBroken, Connection, Request, Response

STUCK_SECONDS: Final = 60.0
"""Without any event on any socket: the peer hangs."""

Operation: TypeAlias = Generator[Request, Response, None]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one drive saw. Times in seconds; ``peer_cpu`` and ``own_cpu`` are CPU time."""

    latencies: tuple[float, ...]
    elapsed: float
    peer_cpu: float
    own_cpu: float
    cipher: str

    @property
    def rate(self) -> float:
        """Operations per second."""
        return len(self.latencies) / self.elapsed

    def percentile(self, share: float) -> float:
        """Return the latency that ``share`` of the operations did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Client:
    """One connection and the operation it is in."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.operation: Operation | None = None
        self.began = 0.0
        self.mask = 0

    def start(self, operation: Operation) -> None:
        self.operation = operation
        self.began = time.perf_counter()
        self.connection.begin(next(operation))

    def answered(self, response: Response) -> bool:
        """Go on with the operation; return whether it is over."""
        assert self.operation is not None
        try:
            request = self.operation.send(response)
        except StopIteration:
            self.operation = None
            return True
        self.connection.begin(request)
        return False


def drive(
    operations: Iterator[Operation],
    *,
    port: int,
    context: ssl.SSLContext,
    clients: int,
    max_seconds: float,
    peer_cpu: Callable[[], float],
) -> Measured:
    """Run ``operations`` on ``clients`` connections until there are no more, or for ``max_seconds``."""
    made = [_Client(Connection(port, context)) for _ in range(clients)]
    try:
        with select.epoll(clients) as poll:
            cpu, own = peer_cpu(), time.process_time()
            start = time.perf_counter()
            latencies = _loop(operations, made, poll, end=start + max_seconds)
            elapsed = time.perf_counter() - start
            own, cpu = time.process_time() - own, peer_cpu() - cpu
        cipher = made[0].connection.cipher
    finally:
        for client in made:
            client.connection.close()
    return Measured(tuple(latencies), elapsed, cpu, own, cipher)


def _loop(operations: Iterator[Operation], made: list[_Client], poll: select.epoll, *, end: float) -> list[float]:
    latencies: list[float] = []
    by_descriptor = {client.connection.socket.fileno(): client for client in made}
    busy = 0
    for client in made:
        busy += _start(client, operations, poll)
    while busy:
        events = poll.poll(STUCK_SECONDS)
        if not events:
            raise BenchmarkBroken(f"nothing was answered for {STUCK_SECONDS:.0f} s")
        for descriptor, _ in events:
            client = by_descriptor[descriptor]
            response = client.connection.advance()
            if response is not None and client.answered(response):
                now = time.perf_counter()
                latencies.append(now - client.began)
                if now >= end or not _start(client, operations, poll):
                    busy -= 1
                    poll.unregister(descriptor)
            else:
                _watch(client, poll)
    return latencies


def _start(client: _Client, operations: Iterator[Operation], poll: select.epoll) -> bool:
    """Begin the next operation on ``client``; return whether there was one."""
    operation = next(operations, None)
    if operation is None:
        return False
    client.start(operation)
    _watch(client, poll)
    return True


def _watch(client: _Client, poll: select.epoll) -> None:
    """Ask for what the connection waits for; a system call only where that has changed."""
    mask = select.EPOLLIN | (select.EPOLLOUT if client.connection.sending else 0)
    if mask != client.mask:
        # A client without a mask is not watched yet: a server may end a connection that nobody uses.
        (poll.modify if client.mask else poll.register)(client.connection.socket.fileno(), mask)
        client.mask = mask
