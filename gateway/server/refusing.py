"""The answer to what no application gets: a head that is not read, in the form of every other refusal.

Pure: no I/O.
Source: OCI distribution-spec v1.1.1, "Error Codes".
"""

from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

NOT_READ: Final = 400
TOO_LARGE: Final = 431
OTHER_VERSION: Final = 505
_SENTENCES: Final = {
    NOT_READ: "the request is not one that is read here",
    TOO_LARGE: "the request head is too large",
    OTHER_VERSION: "HTTP/1.1 and HTTP/1.0 are spoken here",
}


def refusal(status: int) -> bytes:
    """Return the whole answer with ``status``, one of the three above. It says that the connection ends."""
    body = f'{{"errors":[{{"code":"UNSUPPORTED","message":"{_SENTENCES[status]}"}}]}}'.encode()
    return b"".join(
        (
            STATUS_LINE[status],
            b"content-type: application/json\r\nconnection: close\r\ncontent-length: ",
            str(len(body)).encode(),
            b"\r\n\r\n",
            body,
        )
    )
