"""A large frame in parts: bounded memory, and every processor has work."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import polars as pl

#: Rows of a part, unless told (our choice: some 30 MB of posts). Results do not depend on it.
ROWS = 50_000


def in_parts(
    frame: pl.DataFrame, work: Callable[[pl.DataFrame], list[pl.DataFrame]], rows: int = ROWS
) -> list[pl.DataFrame]:
    """Do `work` for consecutive rows, and put each of its results together again, in order.

    Args:
        frame: any.
        work: pure; what it says of a row depends on no other row.
        rows: of a part at most; a smaller frame has a part per processor if that is worth it.
    """
    parts = max(-(-frame.height // rows), min(pl.thread_pool_size(), frame.height // 5_000), 1)
    bounds = [frame.height * part // parts for part in range(parts + 1)]
    slices = [frame[start:end] for start, end in pairwise(bounds)]
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        done = list(pool.map(work, slices))
    return [pl.concat(pieces) for pieces in zip(*done, strict=True)]
