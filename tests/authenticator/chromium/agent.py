"""The app's agent socket with a real engine behind it and a test in the person's place.

It speaks what the app's own agent speaks, so that relays are tested without the app's pages and processes.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from socket import AF_UNIX, SHUT_RDWR, SOCK_STREAM, socket
from typing import Any

from ostiary.authenticator import AutomaticVerifier, Decision, Engine, Exchange, Outcome, Prompt
from ostiary.authenticator.client import ClientError, create, get
from ostiary.authenticator.hosts.native_messages import AGENT, frame, read_frame
from ostiary.authenticator.keys import memory_key_store

APPROVED = Decision(outcome=Outcome.APPROVED, is_verified=True)
DECLINED = Decision(outcome=Outcome.DECLINED)
ANSWER_WITHIN = 30.0


@dataclass
class Person:
    """Answers by what the test says: at once by `always`, or else what somebody puts into `answers`."""

    always: Decision | None = APPROVED
    asked: "queue.Queue[tuple[Prompt, Exchange]]" = field(default_factory=queue.Queue)
    answers: "queue.Queue[Decision]" = field(default_factory=queue.Queue)

    def decide(self, prompt: Prompt, exchange: Exchange) -> Decision:
        self.asked.put((prompt, exchange))
        if exchange.on_waiting is not None:
            exchange.on_waiting()
        if self.always is not None:
            return self.always
        for _ in range(int(ANSWER_WITHIN / 0.02)):
            if exchange.cancelled.is_set():
                return Decision(outcome=Outcome.CANCELLED)
            with suppress(queue.Empty):
                return self.answers.get(timeout=0.02)
        return Decision(outcome=Outcome.TIMED_OUT)


class TestAgent:
    """One for a directory, as the app is."""

    __test__ = False

    def __init__(self, directory: Path, *, prompt_url: str | None = None) -> None:
        self.directory = directory
        self.person = Person()
        self.keys = memory_key_store()
        self.verifier = AutomaticVerifier(decide=self.person.decide)
        self.engine = Engine(keys=self.keys, verifier=self.verifier)
        self.prompt_url = prompt_url
        self.requests: list[dict[str, Any]] = []
        self.cancelled: list[int] = []
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._listener = socket(AF_UNIX, SOCK_STREAM)
        self._listener.bind(str(directory / "agent.sock"))
        self._listener.listen()
        self._path = directory / "agent.sock"
        self._connections: list[socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        for one in [self._listener, *self._connections]:
            with suppress(OSError):
                one.shutdown(SHUT_RDWR)
            one.close()

    def _is_here(self, rp_id: str, ids: Sequence[bytes] | None) -> bool:
        return any(ids is None or one.id in ids for one in self.keys.credentials(rp_id))

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket) -> None:
        exchanges: dict[int, Exchange] = {}
        sending = threading.Lock()

        def send(message: dict[str, Any]) -> None:
            with sending, suppress(OSError):
                connection.sendall(frame(message, AGENT))

        with suppress(OSError), connection.makefile("rb") as stream:
            while (message := read_frame(stream.read, AGENT)) is not None:
                if "cancel" in message:
                    self.cancelled.append(message["cancel"])
                    exchanges[message["cancel"]].cancelled.set()
                    continue
                self.requests.append(message)
                exchange = exchanges[message["id"]] = Exchange(source=message["params"].get("source", ""))
                threading.Thread(target=self._answer, args=(message, exchange, send), daemon=True).start()
        for exchange in exchanges.values():
            exchange.cancelled.set()

    def _answer(self, message: dict[str, Any], exchange: Exchange, send: Callable[[dict[str, Any]], None]) -> None:
        number, params = message["id"], message["params"]

        def on_waiting() -> None:
            notice = {"id": number, "event": "waiting"}
            if self.prompt_url is not None:
                notice |= {"event": "prompt", "url": self.prompt_url}
            send(notice)

        exchange.on_waiting = on_waiting
        asked = {
            "options": params.get("options"),
            "origin": params.get("origin"),
            "cross_origin": params.get("sameOriginWithAncestors") is not True,
            "exchange": exchange,
        }
        operations: dict[str, Callable[[], Any]] = {
            "status": lambda: {"isLocked": False},
            "webauthn.create": lambda: {"response": create(self.engine, **asked)},
            "webauthn.get": lambda: {"response": get(self.engine, **asked, is_here=self._is_here)},
        }
        try:
            send({"id": number, "result": operations[message["op"]]()})
        except ClientError as error:
            failure = {"name": error.name, "message": error.message, "reason": error.reason.value}
            send({"id": number, "error": failure})
