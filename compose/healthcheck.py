"""Ask the gateway of this container whether it is ready: exit status 0 if it is, 1 with a sentence if not.

The certificate is verified, against exactly the one that the configuration names: whatever CA it hangs on, no other
process can answer for it. The question goes to loopback, with the public name in TLS and in the Host header.

I/O: one request to loopback.
"""

import http.client
import ipaddress
import socket
import ssl
import sys

from gateway.config.reading import find_file, load, process_environment
from gateway.config.sections import Config
from gateway.errors import GatewayError

TIMEOUT_SECONDS = 4.0


class _Loopback(http.client.HTTPConnection):
    """A connection to this machine's port, by the name that clients use."""

    def __init__(self, settings: Config) -> None:
        super().__init__(settings.server.public_host, timeout=TIMEOUT_SECONDS)
        self._settings = settings

    def connect(self) -> None:
        server = self._settings.server
        address, port = server.address
        if ipaddress.ip_address(address).is_unspecified:
            address = "::1" if ":" in address else "127.0.0.1"
        plain = socket.create_connection((address, port), TIMEOUT_SECONDS)
        if server.tls.mode == "off":
            self.sock = plain
            return
        context = ssl.create_default_context(cafile=self._settings.path(server.tls.certificate))
        # The served certificate is the anchor itself; its issuer need not be known here.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        self.sock = context.wrap_socket(plain, server_hostname=self.host)


def main() -> int:
    """Return the exit status."""
    environment = process_environment()
    try:
        settings = load(find_file(None, environment), environment)
    except GatewayError as error:
        sys.stderr.write(f"not ready: {error.message}\n")
        return 1
    connection = _Loopback(settings)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        body = answer.read(4096).decode("utf-8", errors="replace")
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"not ready: {error}\n")
        return 1
    finally:
        connection.close()
    if answer.status != http.client.OK:
        sys.stderr.write(f"not ready: {answer.status} {body}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
