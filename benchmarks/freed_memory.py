"""One thing less that chance decides: whether the memory of a step goes back to the system at its end, and comes anew page by page.

A step of a small conv net on a CPU then takes a third more, in one process and not in the next, as its blocks happen to lie.
"""

import ctypes
import sys


def keep_freed_memory():
    """Tell glibc to keep what was freed; other systems go on as they are."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    for parameter in (-1, -3) if mallopt else ():  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
        mallopt(parameter, 2**30)
