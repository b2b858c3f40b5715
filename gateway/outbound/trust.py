"""TLS towards others: which certificates are believed, and at which version.

I/O: reads the CA file, or the system's store.
Source: RFC 9325 (3.1.1 versions); RFC 9525 (6.3: names in subjectAltName only).
"""

import ssl
from pathlib import Path


def client_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that believes the authorities in ``ca_file`` and no others; the system's where it is None.

    Certificate and name are always checked. Raises `OSError` (so does a file without a certificate: `ssl.SSLError`).
    """
    # Not ssl.create_default_context(): that one writes the keys of every connection to the file that the environment
    # variable SSLKEYLOGFILE names.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    if ca_file is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.load_verify_locations(cafile=ca_file)
    return context


def why_not_trusted(error: BaseException) -> str | None:
    """Return what TLS found wrong, where that is what made ``error``; None for any other error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"shows a certificate that is not believed ({cause.verify_message.rstrip('.')})"
        # Exactly this class: its other subclasses say that a read waits, or that the connection has ended.
        if type(cause) is ssl.SSLError:
            return f"fails at TLS 1.2 or newer ({cause.reason})"
        cause = cause.__cause__ or cause.__context__  # httpcore raises its own "from None"
    return None
