"""How `ostiary authenticator ...` talks: with the app, wherever it runs, and with the person at the terminal.

PINs are asked for without being shown, or read from standard input; never from an argument, which every user of the
machine could read.
"""

import sys
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ostiary.authenticator.app.agent import SOCKET
from ostiary.authenticator.app.agent_client import AgentClient, AgentError, Notice, NotRunning, Operations
from ostiary.authenticator.app.errors import AppError
from ostiary.authenticator.app.instance import default_directory
from ostiary.authenticator.keys import KeyStoreError
from ostiary.cli.printing import fail, say

Data = Annotated[Path | None, typer.Option("--data", help="The Authenticator's data directory.", show_default=False)]
_PURPOSES: Final = {
    "register": "Save a passkey for {account} at {rp}?",
    "already_registered": "{rp} asks for a passkey, and one for your account is here already.",
    "sign_in": "Sign in to {rp} as {account}?",
    "select": "Use this Authenticator?",
    "reset": "Delete every passkey kept here?",
    "manage": "Let a program see and change the passkeys kept here?",
    "unlock": "Choose a PIN for this Authenticator.",
}


def directory_of(context: typer.Context, data: Path | None) -> Path:
    """`--data` before the command or behind it."""
    given = data or (context.find_root().obj or {}).get("data") or context.ensure_object(dict).get("data")
    return (given or default_directory()).absolute()


@contextmanager
def talking(context: typer.Context, data: Path | None, *, unlock: bool = False) -> Iterator["Talk"]:
    """With the running app, or with one of our own for as long as this takes. What is refused is printed and ends the
    command."""
    directory = directory_of(context, data)
    try:
        with _agent(directory) as agent:
            talk = Talk(agent)
            if unlock:
                talk.unlock()
            yield talk
    except AgentError as error:
        fail(" ".join(part for part in (error.message, error.next) if part))
    except AppError as error:
        fail(f"{error.message} {error.next}")
    except KeyStoreError as error:
        fail(f"{error.message} {error.next_step}")


@contextmanager
def _agent(directory: Path) -> Iterator[Operations]:
    try:
        client = AgentClient(directory / SOCKET)
    except NotRunning:
        from ostiary.authenticator.app.local_agent import LocalAgent

        with LocalAgent(directory) as local:
            yield local
        return
    with client:
        yield client


class Talk:
    def __init__(self, agent: Operations) -> None:
        self._agent = agent

    def ask(
        self,
        op: str,
        params: Mapping[str, Any] | None = None,
        *,
        answers_here: bool = True,
        watch: Callable[[Notice], None] = lambda notice: None,
    ) -> Any:
        """The result. Questions for the person that come before it are put to them here, or with `answers_here` False
        in the app's own window. `watch` is told of everything that comes before it."""
        answer = self._on_notice if answers_here else _say_where

        def on_notice(notice: Notice) -> None:
            watch(notice)
            answer(notice)

        return self._agent.call(op, params, on_notice=on_notice)

    def unlock(self) -> None:
        """Asks for the PIN where it is needed, and for a new one where there is none."""
        state = self.ask("status")
        if not state["is_pin_set"]:
            say("This Authenticator has no PIN yet. It protects the passkeys kept here.")
            self.ask("pin.set", {"pin": read_new_pin()})
        elif state["is_locked"]:
            self.ask("unlock", {"pin": read_pin()})

    def _on_notice(self, notice: Notice) -> None:
        match notice.get("event"):
            case "sign_in":
                say(f"Sign in in your browser. If it does not open, go to:\n{notice['url']}")
                webbrowser.open(str(notice["url"]))
            case "prompt":
                self._answer_prompt()

    def _answer_prompt(self) -> None:
        prompt = self.ask("prompt")
        if prompt is None:
            return
        account = ", ".join(one["name"] for one in prompt["accounts"]) or "you"
        rp = prompt["rp_name"] or prompt["rp_id"]
        say(_PURPOSES[prompt["purpose"]].format(account=account, rp=f"{rp} ({prompt['rp_id']})"))
        while True:
            pin = read_new_pin() if prompt["needs_new_pin"] else read_pin("PIN (empty to decline)")
            if not pin:
                self.ask("prompt.decline", {"id": prompt["id"]})
                return
            try:
                self.ask("prompt.approve", {"id": prompt["id"], "new_pin" if prompt["needs_new_pin"] else "pin": pin})
                return
            except AgentError as error:
                if error.reason not in ("pin_wrong", "pin_too_short", "pin_too_long") or not sys.stdin.isatty():
                    if error.reason not in ("prompt_over", "pin_blocked", "restart_needed"):
                        self.ask("prompt.decline", {"id": prompt["id"]})
                    raise
                say(f"{error.message} {error.next}")


def _say_where(notice: Notice) -> None:
    if notice.get("url"):
        say(f"If its window does not open, go to:\n{notice['url']}")


def read_pin(question: str = "The Authenticator's PIN") -> str:
    """Hidden at a terminal; else a line of standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt(question, hide_input=True, default="", show_default=False))
    return sys.stdin.readline().rstrip("\n")


def read_new_pin() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("A new PIN", hide_input=True, confirmation_prompt="Again"))
    return sys.stdin.readline().rstrip("\n")


def read_line(question: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(question))
    return sys.stdin.readline().strip()
