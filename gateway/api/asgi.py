"""The words of ASGI, as types.

Pure: types, and what `Send` raises.
Source: ASGI 3.0, "HTTP & WebSocket ASGI Message Format".
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

SENDFILE: Final = "registry_gateway.sendfile"
"""The extension by which our server sends a part of a file: ``{"type", "path", "offset", "count"}`` ends the answer."""


class ClientLeft(OSError):
    """What our server's `Send` raises where nobody is there to send to, as ASGI asks of it."""

    def __init__(self, sent: int = 0) -> None:
        """``sent``: the bytes of the body that went out of the message before that."""
        super().__init__("the client went away")
        self.sent = sent
