"""Which models of Authenticator there are. The AAGUID says where its keys live, and attestation, that it is so."""

from typing import Final
from uuid import UUID

SEALED_FILE: Final = UUID("36b6d75b-7c4f-4cb5-9c0d-a65f9d280624").bytes
"""Keys in a file, sealed under the PIN and the operating system's keyring."""

TPM: Final = UUID("1667f0c5-4686-4b9f-8e1f-a30f1638b6bb").bytes
"""Keys made in a TPM 2.0, which they never leave."""
