"""The end of processes with the one that started them."""

import ctypes
import signal
import sys

__all__ = ["end_with_parent"]

PR_SET_PDEATHSIG = 1  # option of Linux's prctl: the signal that a process receives when its parent ends


def end_with_parent() -> None:
    """Let the kernel kill this process when its parent ends in any way, on Linux; elsewhere it goes on."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
