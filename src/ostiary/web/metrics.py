"""What an operator watches. Labels are closed sets: no person, address or free text."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sign_ins = Counter(
            "ostiary_sign_ins", "Sessions opened, by the method proven last.", ["method"], registry=self.registry
        )
        self.registrations = Counter("ostiary_passkeys_added", "Passkeys registered.", registry=self.registry)
        self.refusals = Counter("ostiary_refusals", "Requests refused, by reason.", ["reason"], registry=self.registry)
        self.mail_sent = Counter("ostiary_mail_sent", "Mails a mail server took.", registry=self.registry)
        self.mail_failed = Counter(
            "ostiary_mail_failed", "Attempts to send a mail that failed.", registry=self.registry
        )
        self.mail_waiting = Gauge("ostiary_mail_waiting", "Mails in the outbox to be sent.", registry=self.registry)
        self.mail_given_up = Gauge(
            "ostiary_mail_given_up", "Mails in the outbox that failed for three days.", registry=self.registry
        )

    def exposition(self) -> bytes:
        return generate_latest(self.registry)
