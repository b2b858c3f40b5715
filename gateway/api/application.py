"""The API as one ASGI application: head, route, guard, handler, answer, in this order and for every request.

A value: everything it does is in what it was made of. A refusal is an answer from one table; a surprise is a 500 that says
nothing and a line in the log that says all.

I/O: through what it is composed of.
Source: DESIGN 2; ASGI 3.0.
"""

from typing import Final, assert_never

from gateway.api import answer as answers
from gateway.api.answer import Answer
from gateway.api.asgi import ClientLeft, Message, Receive, Scope, Send
from gateway.api.body import Body, Disconnected
from gateway.api.budget import BodyBudget
from gateway.api.call import Call, Trace
from gateway.api.guard import Guard
from gateway.api.handlers import Handlers
from gateway.api.head import Request, parse_head, peer
from gateway.api.refusals import Challenger, refusal, refused, rule
from gateway.api.routes import (
    TABLE,
    Actions,
    AnyToken,
    CatalogToken,
    Found,
    NoSuchAddress,
    Nothing,
    OtherMethod,
    OwnSecret,
    Router,
    select,
)
from gateway.api.settings import ApiDependencies, ApiSettings
from gateway.errors import GatewayError, Internal, NameUnknown, Unsupported
from gateway.identity.token_cache import TokenCache

REQUEST_ID_BYTES: Final = 8
MAX_LOGGED_PATH: Final = 512
CLIENT_LEFT: Final = 499
"""In the log only: the client went away before it was answered."""

_METHODS: Final = frozenset(method for row in TABLE for method in row.methods)


class Api:
    """The application. Made once per process. Nothing in it changes but what is remembered: tokens that were verified and
    the grants made of them (`Guard`), and addresses that were parsed (`Router`); and what is being read (`BodyBudget`). All
    of it is bounded, and what is remembered is made again from the request where it is missing."""

    def __init__(self, dependencies: ApiDependencies, settings: ApiSettings) -> None:
        self._dependencies = dependencies
        self._settings = settings
        self._router = Router(TABLE)
        self._challenger = Challenger(realm=settings.token_url, service=settings.service)
        self._guard = Guard(
            tokens=TokenCache(issuer=settings.public_url, audience=settings.service),
            keys=dependencies.keys,
            standings=dependencies.standings,
            ci=dependencies.ci,
        )
        self._budget = BodyBudget()
        self._handlers = Handlers.of(dependencies, settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise ValueError("only HTTP is spoken here")
        trace = Trace(
            request_id=self._dependencies.random_bytes(REQUEST_ID_BYTES).hex(),
            started=self._dependencies.monotonic(),
            method=scope["method"] if scope["method"] in _METHODS else "other",
            path=_printable(scope.get("raw_path") or b""),
            address=peer(scope),
        )
        watch = _Watch(send)
        try:
            answer = await self._answer(scope, receive, trace)
            await answers.send(
                answer, method=scope["method"], extensions=tuple(scope.get("extensions") or ()), to=watch
            )
        except Disconnected:
            watch.status = CLIENT_LEFT
        except ClientLeft as left:
            watch.status = CLIENT_LEFT
            watch.count += left.sent
        except Exception as error:
            # The answer was begun: the server ends the connection, so that half of it is not taken for the whole.
            self._failed(trace, error)
            raise
        finally:
            self._log(trace, watch)

    async def _answer(self, scope: Scope, receive: Receive, trace: Trace) -> Answer:
        try:
            request = parse_head(scope, hosts=self._settings.hosts)
        except GatewayError as error:
            # Where the body of such a request would end is not known, so nothing after it is read.
            return self._refusal(error, trace).closing()
        body = Body.of(request, receive, budget=self._budget)
        try:
            answer = await self._dispatch(request, body, trace)
        except GatewayError as error:
            answer = self._refusal(error, trace)
        except Disconnected:
            raise
        except Exception as error:
            self._failed(trace, error)
            answer = self._told(Internal("a surprise"), trace)
        finally:
            body.release()
        return answer if await body.settle() else answer.closing()

    async def _dispatch(self, request: Request, body: Body, trace: Trace) -> Answer:
        match self._router.match(request.method, request.path):
            case NoSuchAddress():
                raise NameUnknown("there is no such address here")
            case OtherMethod(allowed):
                message = f"this address is for {', '.join(allowed)}"
                return refused(405, Unsupported.code, message, None, ("allow", ", ".join(allowed)))
            case Found() as found:
                trace.route = found.row.endpoint.value
                query = select(found.row, request.query)
                now = int(self._dependencies.now())
                return await self._guarded(found, Call(request, found.target, query, body, trace, now))

    async def _guarded(self, found: Found, call: Call) -> Answer:
        """Let the guard answer what the row needs, then the handler. There is no other way to a handler."""
        endpoint = found.row.endpoint
        match found.row.needs:
            case Nothing() | OwnSecret():
                return await self._handlers.open[endpoint](call)
            case AnyToken():
                principal = await self._guard.anybody(call.request, now=call.now)
                call.trace.principal = principal.id
                return await self._handlers.open[endpoint](call)
            case CatalogToken():
                principal = await self._guard.catalog(call.request, now=call.now)
                call.trace.principal = principal.id
                return await self._handlers.of_principal[endpoint](call, principal)
            case Actions(actions):
                if call.target.name is None:
                    raise Internal("a row of a repository without its name")
                access = await self._guard.repository(call.request, call.target.name, actions, now=call.now)
                call.trace.principal = access.principal.id
                return await self._handlers.of_repository[endpoint](call, access)
            case _:
                assert_never(found.row.needs)

    def _refusal(self, error: GatewayError, trace: Trace) -> Answer:
        if rule(error).ours:
            self._failed(trace, error)
        return self._told(error, trace)

    def _told(self, error: GatewayError, trace: Trace) -> Answer:
        return refusal(error, challenger=self._challenger, request_id=trace.request_id)

    def _failed(self, trace: Trace, error: BaseException) -> None:
        self._dependencies.failed(f"request {trace.request_id}", error)

    def _log(self, trace: Trace, watch: "_Watch") -> None:
        self._dependencies.log_request(
            {
                "method": trace.method,
                "route": trace.route,
                "path": trace.path,
                "status": watch.status,
                "bytes": watch.count,
                "seconds": round(self._dependencies.monotonic() - trace.started, 6),
                "principal": trace.principal,
                "address": trace.address,
                "decision_id": trace.decision_id,
                "request_id": trace.request_id,
            }
        )


class _Watch:
    """Notes what is sent, for the log: what was sent and not what was meant to be."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None
        self.count = 0

    async def __call__(self, message: Message) -> None:
        await self._send(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.count += message.get("count", 0) + len(message.get("body", b""))


def _printable(raw: bytes) -> str:
    """Return the path as it was sent, printable ASCII only and not too long: no terminal reads anything else in it."""
    text = raw[:MAX_LOGGED_PATH].decode("latin-1")
    if text.isascii() and text.isprintable():
        return text
    return "".join(one if " " <= one <= "~" else f"\\x{ord(one):02x}" for one in text)
