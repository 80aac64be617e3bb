"""GraphQL over WebSocket, for what can be followed.

Source: the protocol ``graphql-transport-ws`` of the GraphQL over WebSocket specification.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import APIRouter
from graphql import ExecutionResult, GraphQLError, OperationType, subscribe
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from lineage_graph.access.principals import Principal
from lineage_graph.errors import InvalidRecord, LineageGraphError, StoreUnavailable
from lineage_graph.server.authorize import Caller, all_need
from lineage_graph.server.bodies import LARGEST
from lineage_graph.server.failures import Refused
from lineage_graph.server.graphql import failures
from lineage_graph.server.graphql.following import Following
from lineage_graph.server.graphql.http import asked
from lineage_graph.server.graphql.operations import Faulty, Request
from lineage_graph.server.graphql.schema import executable
from lineage_graph.server.served import Here, Served
from lineage_graph.strict_json import read_json

PROTOCOL: Final = "graphql-transport-ws"
AT_ONCE: Final = 10
"""Subscriptions of one connection."""
GREETING_SECONDS: Final = 10.0
RECOGNISED_SECONDS: Final = 5.0
"""How long a connection may outlive the leave of who opened it."""
INVALID: Final = 4400
UNGREETED: Final = 4401
FORBIDDEN: Final = 4403
NOT_ACCEPTED: Final = 4406
LATE: Final = 4408
TAKEN: Final = 4409
TOO_MANY: Final = 4429

router = APIRouter(tags=["graphql"])


@router.websocket("/graphql")
async def follow(socket: WebSocket, here: Here, caller: Caller) -> None:
    """Answer subscriptions until either side has had enough."""
    if PROTOCOL not in socket.scope["subprotocols"]:
        await socket.close(NOT_ACCEPTED, f"Speak {PROTOCOL}.")
        return
    await socket.accept(PROTOCOL)
    conversation = Conversation(socket, here, caller)
    both = [asyncio.create_task(one) for one in (conversation.hold(), conversation.watch())]
    try:
        await asyncio.gather(*both)
    except Closing as end:
        conversation.end()
        await socket.close(end.code, end.reason)
    except WebSocketDisconnect:
        pass
    finally:
        for one in both:
            one.cancel()
        conversation.end()


all_need(router, "read")


class Closing(Exception):
    """The other side broke the protocol, or may follow nothing any more."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Conversation:
    """One connection, and what is followed over it.

    Args:
        socket: The connection, accepted.
        served: What is followed.
        principal: Who follows.
    """

    def __init__(self, socket: WebSocket, served: Served, principal: Principal) -> None:
        self._socket = socket
        self._served = served
        self._principal = principal
        self._greeted = False
        self._followed: dict[str, asyncio.Task[None]] = {}

    async def hold(self) -> None:
        """Read messages, and do as they say.

        Raises:
            Closing: One of them is against the protocol.
            WebSocketDisconnect: The other side has gone.
        """
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                while not self._greeted:
                    await self._hear()
        except TimeoutError:
            raise Closing(LATE, "Connection initialisation timeout") from None
        while True:
            await self._hear()

    async def watch(self) -> None:
        """Look now and then whether the other side may still follow, also when nothing happens.

        Raises:
            Closing: It may not.
        """
        while True:
            await asyncio.sleep(RECOGNISED_SECONDS)
            try:
                await self._served.recognition.principal(self._socket)
            except (Refused, StoreUnavailable):
                raise Closing(FORBIDDEN, "Forbidden") from None

    def end(self) -> None:
        """Follow nothing any more."""
        for task in self._followed.values():
            task.cancel()

    async def _hear(self) -> None:
        message = _message(await self._heard())
        kind, id_ = message["type"], message.get("id")
        if kind == "connection_init":
            if self._greeted:
                raise Closing(TOO_MANY, "Too many initialisation requests")
            self._greeted = True
            await self._say(type="connection_ack")
        elif kind == "ping":
            await self._say(type="pong")
        elif kind == "subscribe" and isinstance(id_, str):
            self._subscribe(id_, message.get("payload"))
        elif kind == "complete" and isinstance(id_, str):
            task = self._followed.pop(id_, None)
            if task is not None:
                task.cancel()
        elif kind != "pong":
            raise Closing(INVALID, "Invalid message")

    async def _heard(self) -> str:
        try:
            return await self._socket.receive_text()
        except KeyError:
            raise Closing(INVALID, "Invalid message") from None

    def _subscribe(self, id_: str, payload: Any) -> None:
        if not self._greeted:
            raise Closing(UNGREETED, "Unauthorized")
        if id_ in self._followed:
            raise Closing(TAKEN, "Subscriber already exists")
        if len(self._followed) >= AT_ONCE:
            raise Closing(TOO_MANY, f"At most {AT_ONCE} subscriptions at once")
        try:
            request = asked(payload)
        except InvalidRecord:
            raise Closing(INVALID, "Invalid payload") from None
        self._followed[id_] = asyncio.create_task(self._follow(id_, request))

    async def _follow(self, id_: str, request: Request) -> None:
        try:
            async for result in await self._results(request):
                # Whoever lost leave meanwhile is told nothing more.
                await self._served.recognition.principal(self._socket)
                body: dict[str, Any] = {"data": result.data}
                if result.errors:
                    body["errors"] = failures.said_of(result.errors)
                await self._say(id=id_, type="next", payload=body)
            await self._say(id=id_, type="complete")
        except Faulty as fault:
            await self._say(id=id_, type="error", payload=failures.said_before(fault.errors))
        except Refused:
            await self._socket.close(FORBIDDEN, "Forbidden")
        except WebSocketDisconnect:
            pass
        except Exception as failure:
            error = GraphQLError("failed", original_error=failure)
            await self._say(id=id_, type="error", payload=failures.said_of([error]))
        finally:
            self._followed.pop(id_, None)

    async def _results(self, request: Request) -> AsyncIterator[ExecutionResult]:
        checked = await run_in_threadpool(self._served.operations.checked, request)
        if checked.operation.operation is not OperationType.SUBSCRIPTION:
            raise Faulty([GraphQLError("Send questions and decisions by POST.")])
        found: Any = subscribe(
            executable(),
            checked.document,
            context_value=Following(self._served, self._principal),
            variable_values=checked.variables,
            operation_name=request.operation,
            hide_suggestions=True,
        )
        found = await found if asyncio.iscoroutine(found) else found
        if isinstance(found, ExecutionResult):
            raise _failed(found)
        results: AsyncIterator[ExecutionResult] = found
        return results

    async def _say(self, **message: Any) -> None:
        await self._socket.send_text(json.dumps(message, separators=(",", ":")))


def _failed(found: ExecutionResult) -> Exception:
    """Return why there is nothing to follow."""
    errors = found.errors or []
    cause = errors[0].original_error if errors else None
    return cause if isinstance(cause, LineageGraphError) else Faulty(list(errors))


def _message(text: str) -> dict[str, Any]:
    try:
        message = read_json(text.encode(errors="surrogatepass")) if len(text) <= LARGEST else None
    except InvalidRecord:
        message = None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Closing(INVALID, "Invalid message")
    return message
