"""What the endpoints that hand out secrets have in common: forms, and refusals in both shapes.

Errors are OCI's and OAuth's in one body, because clients read the one or the other.

Pure, but for the body that is read.
Source: RFC 6749, sections 3.2 and 5.2; RFC 9110, 11.6.1; distribution, docs/content/spec/auth/oauth.md.
"""

from collections.abc import Mapping
from typing import Final

from gateway.api.answer import NOT_KEPT, Answer, Header
from gateway.api.call import Call
from gateway.api.forms import Fields, parse_form
from gateway.api.refusals import error_entry, rule
from gateway.api.routes import REPEATABLE
from gateway.errors import (
    GatewayError,
    RequestInvalid,
    SizeInvalid,
    TooManyRequests,
    Unauthorized,
    UnsupportedGrant,
)

MAX_FORM_BYTES: Final = 64 * 1024
MAX_FORM_FIELDS: Final = 64
MAX_FORM_SECONDS: Final = 30.0
"""A form has a time and not only a pace, since nobody has said yet who he is. What a client sends to log in is under 16 KB:
some seconds of a GSM data call (9.6 kbit/s)."""
FORM: Final = "application/x-www-form-urlencoded"

_BASIC: Final = ("www-authenticate", 'Basic realm="registry-gateway", charset="UTF-8"')


def refusal(error: GatewayError) -> Answer:
    """Return ``error`` in both shapes, OCI's and OAuth's. A fault of ours goes on to the one table."""
    found = rule(error)
    if found.ours:
        raise error
    headers: list[Header] = [NOT_KEPT]
    match error:
        case Unauthorized():
            code = "invalid_grant"
            headers.append(_BASIC)
        case TooManyRequests():
            code = "temporarily_unavailable"
            headers.append(("retry-after", str(error.retry_after_seconds)))
        case UnsupportedGrant():
            code = "unsupported_grant_type"
        case _:
            code = "invalid_request"
    entry = error_entry(error.code, error.message, None)
    return Answer.of_json(
        found.status,
        # `details` is what docker 28 reads; without it, a loopback registry is asked once more in plain HTTP, and the
        # person reads about that instead of the wrong password.
        {"errors": [entry], "error": code, "error_description": entry["message"], "details": entry["message"]},
        *headers,
    )


async def read_form(call: Call) -> Mapping[str, tuple[str, ...]]:
    """Return the fields of the form. Raises `RequestInvalid`, `SizeInvalid`, `BodyTooSlow`."""
    request = call.request
    if request.authorization is not None:
        raise RequestInvalid("a form and an Authorization header are two callers")
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise RequestInvalid(f"the body must be {FORM}")
    too_large = SizeInvalid(f"the form is larger than {MAX_FORM_BYTES} bytes")
    if request.content_length is not None and request.content_length > MAX_FORM_BYTES:
        raise too_large
    body = await call.body.read(max_bytes=MAX_FORM_BYTES, max_seconds=MAX_FORM_SECONDS, too_large=too_large)
    return _collect(parse_form(body, max_bytes=MAX_FORM_BYTES, max_fields=MAX_FORM_FIELDS))


def _collect(fields: Fields) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in fields:
        if name in found and name not in REPEATABLE:
            # RFC 6749, 3.2: parameters must not be included more than once. containers/image repeats ``scope``.
            raise RequestInvalid("a field of the form is given twice")
        found[name] = (*found.get(name, ()), value)
    return found


def field(form: Mapping[str, tuple[str, ...]], name: str) -> str:
    """Return the field ``name``. Raises `RequestInvalid` where it is missing."""
    values = form.get(name)
    if values is None:
        raise RequestInvalid(f"the field {name} is missing")
    return values[0]
