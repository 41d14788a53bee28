"""What the running crawl knows of each host: shared by all its sources, for it is the host that bears them."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cache


@dataclass
class Host:
    """A host and port as it has behaved so far.

    `crawl_delay` is what robots.txt asks for, in seconds (0: nothing). `free_at` is the moment of the monotonic clock
    before which no request leaves. `failures` counts refusals and failed connections running. `rest` says why the
    host is left alone for the rest of the run; null while it is not.
    """

    crawl_delay: float = 0.0
    free_at: float = 0.0
    failures: int = 0
    rest: str | None = None


@cache
def hosts() -> defaultdict[str, Host]:
    """The hosts of this run by host and port. One process makes one crawl (crawlers/run.py)."""
    return defaultdict(Host)
