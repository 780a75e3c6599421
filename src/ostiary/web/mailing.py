"""Sends what waits in the outbox, in the background: no sign-in ever waits for mail.

Several processes may run: each claims what it sends, in a committed transaction, and what it claimed comes due again
when it dies before it is done. So a mail is sent at least once: a crash between the server's *accepted* and our delete
sends it a second time, with the same Message-ID, by which most mail programs show it once. A mail that was accepted and
deleted is never sent again.
"""

import asyncio
import smtplib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Final

import structlog

from ostiary.clock import HOUR, MINUTE, Clock, as_datetime
from ostiary.storage import outbox, people
from ostiary.storage.database import Database, Transaction
from ostiary.storage.outbox import NEVER, Mail
from ostiary.web.letters import Letter, Writer
from ostiary.web.mail_server import MailServer
from ostiary.web.metrics import Metrics
from ostiary.web.shells import branding_for

BACK_OFF: Final = (
    *(minutes * MINUTE for minutes in (1, 5, 15, 30)),
    *(hours * HOUR for hours in (1, 2, 4, 8, 12, 20, 24)),
)
"""How long to wait after each failure: three days in all, and then the mail is given up."""
_BATCH: Final = 10
_CLAIM: Final = 15 * MINUTE
_CLAIM_LEFT: Final = 2 * MINUTE
"""No mail is begun when less of the claim is left: sending one may take this long."""
_LOOKS_EVERY: Final = 2.0
log = structlog.get_logger()


class Sender:
    """Takes what is due and sends it, a batch at a time, on a thread of its own."""

    def __init__(self, database: Database, server: MailServer, writer: Writer, metrics: Metrics, clock: Clock) -> None:
        self._database = database
        self._server = server
        self._writer = writer
        self._metrics = metrics
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, "mail")
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`. Whatever goes wrong is tried again."""
        while not self._stopping.is_set():
            sent = 0
            try:
                sent = await self.send_due()
            except Exception:
                log.exception("mail could not be sent")
            if not sent:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _LOOKS_EVERY)

    def stop(self) -> None:
        """Lets the mail under way finish, and begins no other."""
        self._stopping.set()

    def close(self) -> None:
        self._thread.shutdown(wait=False)

    async def send_due(self) -> int:
        """Sends one batch of what is due; answers how many the server took."""
        now = self._clock()
        if not await self._database.read(outbox.is_mail_due, now):
            return 0
        until = now + _CLAIM
        claimed = await self._database.write(outbox.claim_due, now=now, until=until, limit=_BATCH)
        sent = 0
        connection = _Connection(self._server)
        loop = asyncio.get_running_loop()
        try:
            for mail in claimed:
                if self._stopping.is_set() or self._clock() > until - _CLAIM_LEFT:
                    await self._database.write(_give_back, mail, now=self._clock())
                    continue
                sent += await self._send(loop, connection, mail)
        finally:
            await loop.run_in_executor(self._thread, connection.close)
        return sent

    async def _send(self, loop: asyncio.AbstractEventLoop, connection: "_Connection", mail: Mail) -> bool:
        try:
            message = await self._database.read(_message, mail, self._server, self._writer)
            await loop.run_in_executor(self._thread, connection.send, message)
        except Exception as error:  # of the server, the network or this one mail: the others are not held up by it
            await self._failed(mail, error)
            return False
        await self._database.write(outbox.delete_mail, mail.id)
        self._metrics.mail_sent.inc()
        return True

    async def _failed(self, mail: Mail, error: Exception) -> None:
        self._metrics.mail_failed.inc()
        said = _in_words(error)
        next_attempt_at = next_attempt(mail.attempts, self._clock())
        log.warning("mail not sent", mail=mail.id, attempt=mail.attempts, error=said, given_up=next_attempt_at == NEVER)
        await self._database.write(outbox.set_failed, mail.id, next_attempt_at=next_attempt_at, last_error=said)


class _Connection:
    """One session for a batch, opened by the first mail. A server that could not be reached is not asked again."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._exit = ExitStack()
        self._client: smtplib.SMTP | None = None
        self._unreachable: Exception | None = None

    def send(self, message: EmailMessage) -> None:
        if self._unreachable is not None:
            raise self._unreachable
        if self._client is None:
            try:
                self._client = self._exit.enter_context(self._server.connect())
            except Exception as error:
                self._unreachable = error
                raise
        try:
            self._client.send_message(message)
        except (smtplib.SMTPServerDisconnected, OSError):
            self.close()
            raise

    def close(self) -> None:
        self._exit.close()
        self._client = None


def next_attempt(attempts: int, now: int) -> int:
    """When a mail is tried again that failed for the `attempts`-th time."""
    return now + BACK_OFF[attempts - 1] if attempts <= len(BACK_OFF) else NEVER


def compose(mail: Mail, letter: Letter, html: str, server: MailServer) -> EmailMessage:
    """The message as it goes out. `EmailMessage` refuses a line break in a header, wherever it came from."""
    message = EmailMessage(policy=SMTP)
    name, address = parseaddr(server.sender)
    local, _, domain = address.rpartition("@")
    message["From"] = Address(name or letter.organisation, local, domain)
    local, _, domain = mail.recipient.rpartition("@")
    message["To"] = Address("", local, domain)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(as_datetime(mail.created_at))
    message["Message-ID"] = f"<{mail.id}@{server.own_host}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies
    text = letter.as_text()
    message.set_content(text, cte=_encoding(text))
    message.add_alternative(html, subtype="html", cte=_encoding(html))
    message["Content-Language"] = letter.language
    return message


def _encoding(text: str) -> str:
    """Seven bits, which every server passes on."""
    return "quoted-printable" if text.isascii() else "base64"


def _message(tx: Transaction, mail: Mail, server: MailServer, writer: Writer) -> EmailMessage:
    reader = people.person_by_username(tx, mail.recipient)
    branding = branding_for(tx, mail.recipient)
    letter = writer.write(
        mail,
        organisation=branding.name,
        helpdesk=branding.helpdesk,
        name=reader.display_name if reader else None,
    )
    return compose(mail, letter, writer.html(letter), server)


def _give_back(tx: Transaction, mail: Mail, *, now: int) -> None:
    """Claimed and not begun: due again, for whoever comes."""
    outbox.set_unclaimed(tx, mail.id, attempts=mail.attempts - 1, now=now)


def _in_words(error: Exception) -> str:
    """For the operator. A server's answer may quote the address, never the letter."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
