"""The CTAP 2.1 authenticator, sans-I/O: bytes in, bytes out (§6, §8)."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from typing import Final

from ostiary.authenticator.engine import cbor
from ostiary.authenticator.engine.client_pin import client_pin
from ostiary.authenticator.engine.configuration import configure
from ostiary.authenticator.engine.credential_management import credential_management
from ostiary.authenticator.engine.fields import Fields
from ostiary.authenticator.engine.get_assertion import get_assertion, get_next_assertion
from ostiary.authenticator.engine.info import get_info
from ostiary.authenticator.engine.large_blobs import large_blobs
from ostiary.authenticator.engine.make_credential import make_credential
from ostiary.authenticator.engine.reset import reset
from ostiary.authenticator.engine.state import Answer, State
from ostiary.authenticator.engine.status import OK, Refused, Status
from ostiary.authenticator.ports import Clock, Exchange, Full, KeyStore, Locked, Purpose, Randomness, UserVerifier
from ostiary.clock import system_clock

MAX_MESSAGE_SIZE: Final = 7609
"""As much as CTAPHID carries (CTAP 2.1 §11.2.4)."""

_logger: Final = logging.getLogger(__name__)


class Engine:
    """An authenticator over a key store, with a person before it.

    `transports`: those the hosts it is plugged into offer (getInfo). `on_fault` is told of exceptions that are no
    answer to any request, a fault of this engine's or of a port's; whoever asked gets CTAP1_ERR_OTHER.
    """

    def __init__(
        self,
        *,
        keys: KeyStore,
        verifier: UserVerifier,
        clock: Clock = system_clock,
        randomness: Randomness = os.urandom,
        transports: Sequence[str] = ("internal",),
        max_message_size: int = MAX_MESSAGE_SIZE,
        on_fault: Callable[[Exception], None] | None = None,
    ) -> None:
        self._state = State(
            keys=keys,
            verifier=verifier,
            clock=clock,
            randomness=randomness,
            transports=transports,
            max_message_size=max_message_size,
        )
        self._on_fault = on_fault or _log_fault
        self._is_busy = threading.Lock()

    def ctap2(self, request: bytes, exchange: Exchange | None = None) -> bytes:
        """The answer to `request`, command byte and CBOR: status byte and CBOR. Raises nothing.

        Blocks while a person is asked. Another request meanwhile is told CHANNEL_BUSY, and disturbs nothing.
        """
        if not self._is_busy.acquire(blocking=False):
            return _status(Status.CHANNEL_BUSY)
        try:
            answer = self._carry_out(request, exchange or Exchange())
            return OK + cbor.encode(answer) if answer else OK
        except Refused as refused:
            return _status(refused.code)
        except Locked:
            # The app locked the keys while the request was under way; by the PIN the platform can go on.
            return _status(Status.PUAT_REQUIRED)
        except Full:
            return _status(Status.KEY_STORE_FULL)
        except Exception as fault:
            self._on_fault(fault)
            return _status(Status.OTHER)
        finally:
            self._is_busy.release()

    def _carry_out(self, request: bytes, exchange: Exchange) -> Answer:
        state = self._state
        if not request:
            raise Refused(Status.INVALID_LENGTH)
        if len(request) > state.max_message_size:
            raise Refused(Status.REQUEST_TOO_LARGE)
        command = request[0]
        state.begin(exchange)
        if command in _WITHOUT_FIELDS:
            if len(request) > 1:
                raise Refused(Status.INVALID_LENGTH)
            return _WITHOUT_FIELDS[command](state, exchange)
        if command not in _WITH_FIELDS:
            raise Refused(Status.INVALID_COMMAND)
        return _WITH_FIELDS[command](state, _read_fields(request), exchange)


def _read_fields(request: bytes) -> Fields:
    fields = cbor.decode(request, 1)
    if type(fields) is not dict:
        raise Refused(Status.CBOR_UNEXPECTED_TYPE)
    return fields


def _select(state: State, exchange: Exchange) -> Answer:
    """authenticatorSelection (§6.9)."""
    state.ask_for_presence(Purpose.SELECT, exchange)
    return {}


_WITHOUT_FIELDS: Final[dict[int, Callable[[State, Exchange], Answer]]] = {
    0x04: lambda state, exchange: get_info(state),
    0x07: reset,
    0x08: lambda state, exchange: get_next_assertion(state),
    0x0B: _select,
}

_WITH_FIELDS: Final[dict[int, Callable[[State, Fields, Exchange], Answer]]] = {
    0x01: make_credential,
    0x02: get_assertion,
    0x06: client_pin,
    0x0A: lambda state, fields, exchange: credential_management(state, fields),
    0x0C: lambda state, fields, exchange: large_blobs(state, fields),
    0x0D: lambda state, fields, exchange: configure(state, fields),
}


def _status(status: int) -> bytes:
    return bytes((status,))


def _log_fault(fault: Exception) -> None:
    _logger.error("a CTAP request failed", exc_info=fault)
