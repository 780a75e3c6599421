"""What is known about models of authenticators, and which anchors vouch for them: the FIDO Metadata Service (3.1),
local statements, and roots of one's own.

``blob`` verifies what was downloaded; ``reading``, ``entry`` and ``status`` make facts of it; ``metadata`` finds them;
``trust_store`` answers which anchors a registration may lead to. Pure: whoever downloads and stores is elsewhere.
"""

from ostiary.passkeys.metadata.blob import verify_blob
from ostiary.passkeys.metadata.entry import MetadataEntry, status_verdict
from ostiary.passkeys.metadata.errors import MetadataError, MetadataReason
from ostiary.passkeys.metadata.metadata import NO_METADATA, Metadata
from ostiary.passkeys.metadata.own_models import OWN_MODELS, with_own_models
from ostiary.passkeys.metadata.status import StatusKind, StatusReport, StatusVerdict
from ostiary.passkeys.metadata.trust_store import TrustedRoot, TrustStore

__all__ = [
    "NO_METADATA",
    "OWN_MODELS",
    "Metadata",
    "MetadataEntry",
    "MetadataError",
    "MetadataReason",
    "StatusKind",
    "StatusReport",
    "StatusVerdict",
    "TrustStore",
    "TrustedRoot",
    "status_verdict",
    "verify_blob",
    "with_own_models",
]
