"""What the app asks of the system before it holds a key: that other programs of the same user do not read its memory,
and that a crash leaves none of it on the disk.

Linux alone has this. Elsewhere nothing is asked, and docs/authenticator/key-stores.md says against whom that counts.
"""

import logging
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4
"""prctl(2). A process that is not dumpable cannot be attached to (ptrace(2)), and its /proc/PID/mem is root's."""
_LOG: Final = logging.getLogger(__name__)


def harden() -> None:
    """Best effort: a system that refuses is noted, and the app starts."""
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError) as error:
        _LOG.warning("core dumps cannot be turned off: %s", error)
    if sys.platform != "linux":
        return
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        _LOG.warning("this process cannot be kept from being read: errno %d", ctypes.get_errno())
