"""What every face is given: the parts of one server, built once in `application`."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ostiary.clock import Clock
from ostiary.identity.methods import Methods
from ostiary.identity.relying_party import RelyingParty
from ostiary.identity.sealing import Sealer
from ostiary.storage.database import Database
from ostiary.web.metrics import Metrics
from ostiary.web.rendering import Renderer
from ostiary.web.translations import Translations


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    database: Database
    methods: Methods
    relying_party: RelyingParty
    sealer: Sealer
    renderer: Renderer
    translations: Translations
    metrics: Metrics
    clock: Clock
    hashing: ThreadPoolExecutor
    """Password hashing takes 40 ms and 19 MiB: a bounded number at a time, beside everything else."""
