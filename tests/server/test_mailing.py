"""Mail on its way: to a real mail server, past one that is down, once, and beside everything else."""

import asyncio
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from ostiary.cli.doctor import examine
from ostiary.clock import DAY, MINUTE
from ostiary.settings import Settings
from ostiary.storage import housekeeping, outbox
from ostiary.storage.database import Database
from ostiary.storage.outbox import NEVER, Mail
from ostiary.web.mail_server import MailServer
from ostiary.web.mailing import BACK_OFF, Sender, next_attempt
from tests.organisation import Organisation
from tests.smtp_sink import PASSWORD, USERNAME, Sink, certificate_in, free_port, open_sink

ADA = "ada@contoso.example"


def server_at(port: int, **changes: str) -> MailServer:
    sender = "Contoso sign-in <no-reply@contoso.example>"
    server = MailServer("127.0.0.1", port, "none", "", "", sender, "login.contoso.example")
    return server._replace(**changes)  # type: ignore[arg-type]


@contextmanager
def sender_of(org: Organisation, server: MailServer) -> Iterator[Sender]:
    """A process of its own, as far as the database can tell."""
    database = Database(org.database.engine.url.render_as_string(hide_password=False))
    sender = Sender(database, server, org.site.writer, org.site.metrics, org.clock)
    yield sender
    sender.close()
    database.close()


def send(org: Organisation, server: MailServer) -> int:
    with sender_of(org, server) as sender:
        return asyncio.run(sender.send_due())


def waiting(org: Organisation) -> list[Mail]:
    return org.administer(outbox.page_of_mail, limit=1000)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with open_sink() as sink:
        yield sink


def test_a_notice_arrives(org_on_each: Organisation, sink: Sink) -> None:
    org = org_on_each
    org.signed_in()
    assert send(org, server_at(sink.port)) == 1
    (message,) = sink.to(ADA)
    assert message["Subject"] == "Contoso: A new browser signed in to your account"
    assert message["From"] == "Contoso sign-in <no-reply@contoso.example>"
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None and "https://login.contoso.example/not-me/" in plain.get_content()
    assert html is not None and "https://login.contoso.example/not-me/" in html.get_content()
    assert waiting(org) == []
    assert send(org, server_at(sink.port)) == 0
    assert len(sink.messages) == 1


def test_arabic_mail_arrives_as_it_was_written(org: Organisation, sink: Sink) -> None:
    browser = org.signed_in()
    browser.get("/security-info", **{"accept-language": "ar"})
    org.signed_in()
    send(org, server_at(sink.port))
    message = sink.messages[-1]
    assert message["Content-Language"] == "ar"
    assert org.site.translations.gettext("ar", "A new browser signed in to your account") in message["Subject"]
    plain = message.get_body(("plain",))
    assert plain is not None
    assert org.site.translations.gettext("ar", "This wasn't me") in plain.get_content()
    assert "https://login.contoso.example/not-me/" in plain.get_content()


def test_mail_waits_for_a_server_that_is_down(org: Organisation) -> None:
    org.signed_in()
    port = free_port()
    assert send(org, server_at(port)) == 0
    (mail,) = waiting(org)
    assert (mail.attempts, mail.next_attempt_at) == (1, org.clock() + BACK_OFF[0])
    assert mail.last_error is not None and "ConnectionRefusedError" in mail.last_error
    with open_sink(port) as sink:
        assert send(org, server_at(port)) == 0  # not yet
        org.clock.advance(BACK_OFF[0])
        assert send(org, server_at(port)) == 1
        assert len(sink.to(ADA)) == 1
    assert waiting(org) == []


def test_one_refused_recipient_holds_nobody_up(org: Organisation, sink: Sink) -> None:
    sink.refuses.add(ADA)
    org.signed_in("ada")
    org.signed_in("grace")
    assert send(org, server_at(sink.port)) == 1
    assert len(sink.to("grace@contoso.example")) == 1
    (mail,) = waiting(org)
    assert mail.recipient == ADA
    assert mail.last_error is not None and "550" in mail.last_error


def test_mail_that_cannot_be_put_into_words_holds_nobody_up(org: Organisation, sink: Sink) -> None:
    org.signed_in()
    broken = waiting(org)[0]._replace(id="0", facts='{"event": "nonsense"}')
    org.administer(outbox.insert_mail, broken)
    assert send(org, server_at(sink.port)) == 1
    assert [mail.id for mail in waiting(org)] == ["0"]


def test_after_three_days_mail_is_given_up_until_an_operator_says_otherwise(org: Organisation, sink: Sink) -> None:
    org.signed_in()
    began, down = org.clock(), server_at(free_port())
    while waiting(org)[0].next_attempt_at < NEVER:
        org.clock.now = max(org.clock(), waiting(org)[0].next_attempt_at)
        send(org, down)
    assert waiting(org)[0].attempts == len(BACK_OFF) + 1
    assert 2.9 * DAY < org.clock() - began <= 3 * DAY
    org.clock.advance(3 * DAY)
    assert send(org, server_at(sink.port)) == 0
    assert org.administer(outbox.count_mail) == (0, 1, 0)
    assert org.administer(outbox.retry_mail, None, now=org.clock()) == 1
    assert send(org, server_at(sink.port)) == 1


def test_back_off_grows() -> None:
    waits = [next_attempt(attempts, 0) for attempts in range(1, len(BACK_OFF) + 2)]
    assert waits == sorted(waits)
    assert waits[-1] == NEVER


def test_what_one_process_claimed_another_leaves_alone(org_on_each: Organisation) -> None:
    org = org_on_each
    for _ in range(4):
        org.signed_in()
    now = org.clock()
    first = org.administer(outbox.claim_due, now=now, until=now + MINUTE, limit=3)
    second = org.administer(outbox.claim_due, now=now, until=now + MINUTE, limit=3)
    assert (len(first), len(second)) == (3, 1)
    assert not {mail.id for mail in first} & {mail.id for mail in second}
    assert {mail.attempts for mail in (*first, *second)} == {1}
    assert org.administer(outbox.claim_due, now=now, until=now + MINUTE, limit=3) == []
    # the process died: its claim is over, and what it did not delete is sent again, at least once
    again = org.administer(outbox.claim_due, now=now + MINUTE, until=now + 2 * MINUTE, limit=9)
    assert len(again) == 4


def test_two_claims_at_once_take_different_mail(org_on_each: Organisation) -> None:
    """While one transaction holds rows, another takes the rest and does not wait."""
    org = org_on_each
    if org.database.dialect == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    for _ in range(4):
        org.signed_in()
    now = org.clock()
    with org.database.transaction() as one, org.database.transaction() as other:
        first = outbox.claim_due(one, now=now, until=now + MINUTE, limit=2)
        second = outbox.claim_due(other, now=now, until=now + MINUTE, limit=4)
    assert (len(first), len(second)) == (2, 2)
    assert not {mail.id for mail in first} & {mail.id for mail in second}


def test_two_processes_send_each_mail_once(org_on_each: Organisation, sink: Sink) -> None:
    org = org_on_each
    for _ in range(12):
        org.signed_in()

    async def drain(sender: Sender) -> int:
        sent = 0
        while batch := await sender.send_due():
            sent += batch
        return sent

    async def both(one: Sender, other: Sender) -> list[int]:
        return list(await asyncio.gather(drain(one), drain(other)))

    with sender_of(org, server_at(sink.port)) as one, sender_of(org, server_at(sink.port)) as other:
        assert sum(asyncio.run(both(one, other))) == 12
    identifiers = [message["Message-ID"] for message in sink.messages]
    assert len(set(identifiers)) == len(identifiers) == 12


def test_mail_sent_twice_is_the_same_mail(org: Organisation, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between the server's *accepted* and our delete: at least once, with one Message-ID."""
    org.signed_in()
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "delete_mail", _crash)
        with pytest.raises(RuntimeError):
            send(org, server_at(sink.port))
    assert send(org, server_at(sink.port)) == 0
    org.clock.advance(15 * MINUTE)
    assert send(org, server_at(sink.port)) == 1
    first, second = sink.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert waiting(org) == []


def _crash(*_: object, **__: object) -> None:
    raise RuntimeError


def test_a_sender_that_stops_gives_back_what_it_did_not_begin(org: Organisation, sink: Sink) -> None:
    org.signed_in()
    with sender_of(org, server_at(sink.port)) as sender:
        sender.stop()
        assert asyncio.run(sender.send_due()) == 0
    (mail,) = waiting(org)
    assert (mail.attempts, mail.next_attempt_at) == (0, org.clock())


def test_signing_in_waits_for_no_mail_server(org: Organisation) -> None:
    """A mail server that takes a connection and then says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = server_at(silent.getsockname()[1])

        async def sign_in_meanwhile(sender: Sender) -> float:
            org.signed_in()
            task = asyncio.create_task(sender.send_due())
            await asyncio.sleep(0.2)  # it waits for the greeting now
            start = time.perf_counter()
            await asyncio.to_thread(org.signed_in, "grace")
            passed = time.perf_counter() - start
            assert not task.done()
            silent.close()
            task.cancel()
            return passed

        with sender_of(org, server) as sender:
            assert asyncio.run(sign_in_meanwhile(sender)) < 1


# --- protected connections and logins


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """For 127.0.0.1, that vouches for itself and that the sender is told to trust."""
    path, context = certificate_in(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return context


def test_sends_over_starttls_with_a_login(org: Organisation, certificate: ssl.SSLContext) -> None:
    org.signed_in()
    with open_sink(tls_context=certificate, require_starttls=True, auth_required=True) as sink:
        server = server_at(sink.port, security="starttls", username=USERNAME)
        assert send(org, server._replace(password="wrong")) == 0
        org.clock.advance(MINUTE)
        assert "SMTPAuthenticationError" in (waiting(org)[0].last_error or "")
        assert send(org, server._replace(password=PASSWORD)) == 1
        assert len(sink.messages) == 1
        assert PASSWORD not in repr(server._replace(password=PASSWORD))


def test_sends_over_tls(org: Organisation, certificate: ssl.SSLContext) -> None:
    org.signed_in()
    with open_sink(ssl_context=certificate) as sink:
        assert send(org, server_at(sink.port, security="tls")) == 1


def test_refuses_a_mail_server_whose_certificate_is_not_trusted(
    org: Organisation, certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    org.signed_in()
    with open_sink(tls_context=certificate) as sink:
        assert send(org, server_at(sink.port, security="starttls")) == 0
        assert sink.messages == []
    assert "CERTIFICATE_VERIFY_FAILED" in (waiting(org)[0].last_error or "")


def test_refuses_a_mail_server_that_offers_no_protection(org: Organisation, sink: Sink) -> None:
    org.signed_in()
    assert send(org, server_at(sink.port, security="starttls")) == 0
    assert smtplib.SMTPNotSupportedError.__name__ in (waiting(org)[0].last_error or "")


# --- settings, housekeeping, what an operator sees


def test_settings_name_the_mail_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MailServer.of(Settings(data=tmp_path)) is None
    for security, port in (("none", 25), ("starttls", 587), ("tls", 465)):
        server = MailServer.of(Settings(smtp_host="mail.contoso.example", smtp_security=security))  # type: ignore[arg-type]
        assert server is not None
        assert (server.port, server.sender) == (port, "no-reply@localhost")
    secret = tmp_path / "secret"
    secret.write_text("from a file\n")
    monkeypatch.setenv("OSTIARY_SMTP_PASSWORD_FILE", str(secret))
    settings = Settings(smtp_host="mail.contoso.example", mail_from="Contoso <a@contoso.example>")
    assert settings.smtp_password == SecretStr("from a file")
    for wrong in ("nobody", "a@b.example\r\nBcc: c@d.example", "@contoso.example"):
        with pytest.raises(ValidationError):
            Settings(mail_from=wrong)


def test_unsent_mail_and_dead_links_are_not_kept_for_good(org: Organisation) -> None:
    org.signed_in()
    org.administer(housekeeping.delete_expired, org.clock() + 30 * DAY - 1)
    assert len(waiting(org)) == 1
    org.administer(housekeeping.delete_expired, org.clock() + 30 * DAY)
    assert waiting(org) == []


def test_the_doctor_says_how_mail_stands(org: Organisation) -> None:
    def mail(**changes: object) -> tuple[bool, str]:
        settings = Settings(data=org.directory, **changes)  # type: ignore[arg-type]
        finding = next(one for one in examine(settings) if one.check == "mail")
        return finding.is_sound, finding.detail

    assert mail() == (True, "smtp_host is not set, so nobody is told of changes; 0 mails wait")
    org.signed_in()
    assert mail() == (False, "smtp_host is not set, so nobody is told of changes; 1 mails wait")
    assert mail(smtp_host="mail.contoso.example")[0]
    send(org, server_at(free_port()))
    is_sound, detail = mail(smtp_host="mail.contoso.example")
    assert not is_sound
    assert "ostiary admin outbox list" in detail
    (org.directory / "demo.json").write_text("{}")
    assert mail()[0]


def test_mail_is_counted(org: Organisation, sink: Sink) -> None:
    org.signed_in()
    send(org, server_at(free_port()))
    org.signed_in("grace")
    send(org, server_at(sink.port))
    shown = org.browser("127.0.0.1").get("/metrics").text
    for line in ("mail_sent_total 1.0", "mail_failed_total 1.0", "mail_waiting 1.0", "mail_given_up 0.0"):
        assert f"ostiary_{line}\n" in shown
