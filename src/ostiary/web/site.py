"""What every face is given: the parts of one server, built once in `application`."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ostiary.clock import Clock
from ostiary.hybrid.tunnel.exchange import Exchange
from ostiary.identity.methods import Methods
from ostiary.identity.relying_party import RelyingParty
from ostiary.identity.sealing import Sealer
from ostiary.identity.trust import Trust
from ostiary.storage.announcements import Announcer
from ostiary.storage.database import Database
from ostiary.web.extension_package import ExtensionPackage
from ostiary.web.letters import Writer
from ostiary.web.mail_server import MailServer
from ostiary.web.metrics import Metrics
from ostiary.web.rendering import Renderer
from ostiary.web.translations import Translations


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    database: Database
    announcer: Announcer
    """Wakes the connections and pages that wait for what a transaction has changed."""
    methods: Methods
    relying_party: RelyingParty
    sealer: Sealer
    renderer: Renderer
    translations: Translations
    metrics: Metrics
    clock: Clock
    hashing: ThreadPoolExecutor
    """Password hashing takes 40 ms and 19 MiB: a bounded number at a time, beside everything else."""
    writer: Writer
    trust: Trust
    extension: ExtensionPackage
    tunnels: Exchange | None
    """The hybrid transport's tunnel service; None when no domain of ours leads here."""
    tunnel_domain: int
    mail_server: MailServer | None
    """None when none is named: mail waits in the outbox."""
