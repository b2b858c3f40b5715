"""What is answered where no application is asked."""

import json

import pytest

from gateway.server.refusing import NOT_READ, OTHER_VERSION, TOO_LARGE, refusal


@pytest.mark.parametrize("status", [NOT_READ, TOO_LARGE, OTHER_VERSION])
def test_it_is_one_whole_answer_in_the_form_of_the_specification(status: int) -> None:
    head, _, body = refusal(status).partition(b"\r\n\r\n")
    first, *fields = head.split(b"\r\n")
    assert first.startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in fields
    assert b"content-length: %d" % len(body) in fields
    (error,) = json.loads(body)["errors"]
    assert error["code"] == "UNSUPPORTED"
