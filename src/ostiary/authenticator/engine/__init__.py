"""The CTAP 2.1 engine: `Engine.ctap2(bytes) -> bytes`, over the ports."""

from ostiary.authenticator.engine.automatic import AutomaticVerifier
from ostiary.authenticator.engine.engine import Engine

__all__ = ["AutomaticVerifier", "Engine"]
