"""Answers: from what somebody sent to a body that is whole and within bounds, or a refusal.

The size of the head is bounded by httpcore (100 KiB); that it is, a test holds.

I/O: reads the answer's body from its connection.
Source: RFC 9112, 6.3 (length of a body) and 8 (incomplete messages); RFC 9110, 8.4 (content codings), 15.4 (redirects).
"""

from contextlib import aclosing

import httpx2

from gateway.errors import OutboundFailed


async def read_answer(answer: httpx2.Response, *, max_bytes: int, where: str) -> bytes:
    """Return the body of ``answer``: a 200, uncompressed, whole, of at most ``max_bytes``.

    Raises `OutboundFailed`, its sentence about ``where``. Nothing after byte ``max_bytes + 1`` is waited for.
    """
    _check_head(answer, max_bytes=max_bytes, where=where)
    body = bytearray()
    async with aclosing(answer.aiter_raw()) as pieces:
        async for piece in pieces:
            if len(body) + len(piece) > max_bytes:
                _refuse_size(max_bytes, where)
            body += piece
    return bytes(body)


def _check_head(answer: httpx2.Response, *, max_bytes: int, where: str) -> None:
    if 300 <= answer.status_code < 400:
        # Followed, it would lead to wherever the answerer wants (CVE-2026-49478, Fulcio).
        raise OutboundFailed(f"{where} answers with a redirect ({answer.status_code}), and none is followed")
    if answer.status_code != httpx2.codes.OK:
        raise OutboundFailed(f"{where} answers with status {answer.status_code}")
    if "content-encoding" in answer.headers:
        # None was accepted, and a few bytes can unpack to any number of them.
        raise OutboundFailed(f"{where} answers with an encoded body, which was not asked for")
    length = answer.headers.get("content-length")
    if "transfer-encoding" not in answer.headers:
        if length is None:
            # The end would be wherever the connection ends, which anybody on the way can choose.
            raise OutboundFailed(f"{where} answers without the length of its body")
        if int(length) > max_bytes:  # h11 has seen to it that it is one number of at most 20 digits
            _refuse_size(max_bytes, where)


def _refuse_size(max_bytes: int, where: str) -> None:
    raise OutboundFailed(f"{where} answers with more than {max_bytes} bytes")
