"""The mail server of the settings, and a session with it."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal, NamedTuple

from ostiary.settings import Settings

_TIMEOUT: Final = 20.0
"""Seconds for one answer of the mail server."""
_PORTS: Final = {"none": 25, "starttls": 587, "tls": 465}


class MailServer(NamedTuple):
    """Where mail goes, and as whose."""

    host: str
    port: int
    security: Literal["none", "starttls", "tls"]
    username: str
    password: str
    sender: str
    own_host: str

    @classmethod
    def of(cls, settings: Settings) -> "MailServer | None":
        """None when no mail server is named."""
        if not settings.smtp_host:
            return None
        return cls(
            host=settings.smtp_host,
            port=settings.smtp_port or _PORTS[settings.smtp_security],
            security=settings.smtp_security,
            username=settings.smtp_username,
            password=settings.smtp_password.get_secret_value(),
            sender=settings.mail_from or f"no-reply@{settings.host}",
            own_host=settings.host,
        )

    def __repr__(self) -> str:
        return f"MailServer({self.host}:{self.port}, {self.security})"  # never the password

    @contextmanager
    def connect(self) -> Iterator[smtplib.SMTP]:
        """A session with the server, protected and logged in to as the settings say."""
        trust = ssl.create_default_context()
        client: smtplib.SMTP
        if self.security == "tls":
            client = smtplib.SMTP_SSL(self.host, self.port, self.own_host, timeout=_TIMEOUT, context=trust)
        else:
            client = smtplib.SMTP(self.host, self.port, self.own_host, timeout=_TIMEOUT)
        try:
            if self.security == "starttls":
                client.starttls(context=trust)
            if self.username:
                client.login(self.username, self.password)
            yield client
        finally:
            with suppress(smtplib.SMTPException, OSError):
                client.quit()
            client.close()
