"""What an operator watches. Labels are closed sets: no person, address or free text."""

from prometheus_client import CollectorRegistry, Counter, generate_latest


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sign_ins = Counter(
            "ostiary_sign_ins", "Sessions opened, by the method proven last.", ["method"], registry=self.registry
        )
        self.registrations = Counter("ostiary_passkeys_added", "Passkeys registered.", registry=self.registry)
        self.refusals = Counter("ostiary_refusals", "Requests refused, by reason.", ["reason"], registry=self.registry)

    def exposition(self) -> bytes:
        return generate_latest(self.registry)
