"""The words of ASGI, as types.

Pure: types only.
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
