"""A large frame in parts: bounded memory, and every processor has work."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import polars as pl

#: Rows of a part, unless told (our choice: some 15 MB of posts). Results do not depend on it.
ROWS = 34_000
#: Rows that are taken up at a time where a day need not stand in memory as a whole (our choice); nor on this.
PIECE_ROWS = 100_000


def in_parts(
    frame: pl.DataFrame,
    work: Callable[[pl.DataFrame], list[pl.DataFrame]],
    rows: int = ROWS,
    whole: str | None = None,
) -> list[pl.DataFrame]:
    """Do `work` for consecutive rows, and put each of its results together again, in order.

    Args:
        frame: any.
        work: pure; what it says of a row depends on no row of another part.
        rows: of a part, about; a smaller frame has a part per processor if that is worth it.
        whole: column by which the frame is sorted and whose equal values stay in one part, however many they are.
    """
    parts = max(-(-frame.height // rows), min(pl.thread_pool_size(), frame.height // 5_000), 1)
    slices = [frame[start:end] for start, end in pairwise(_bounds(frame, parts, whole))]
    with ThreadPoolExecutor(pl.thread_pool_size() + 1) as pool:
        done = list(pool.map(work, slices))
    return [pl.concat(pieces) for pieces in zip(*done, strict=True)]


def pieces_of(frame: pl.DataFrame, by: str, rows: int = PIECE_ROWS) -> Iterator[pl.DataFrame]:
    """The rows of a frame in the order of a column, so many at a time; equal values stay in one piece.

    The pieces have memory of their own, which is free again once they are dropped, and so is that of the frame if the
    caller keeps no name for it: a day that is worked through shrinks while its results grow.
    """
    order = frame.select(by, row=pl.int_range(pl.len())).sort(by, maintain_order=True)
    bounds = _bounds(order, max(-(-frame.height // rows), 1), by)
    places = [order["row"][start:end] for start, end in pairwise(bounds)]
    columns, pieces = frame.get_columns(), [list[pl.Series]() for _ in places]
    del frame, order
    while columns:  # one after the other, so that never more than one of them stands in memory twice
        column = columns.pop(0)
        for piece, place in zip(pieces, places, strict=True):
            piece.append(column.gather(place))
    del column
    pieces.reverse()
    while pieces:
        yield pl.DataFrame(pieces.pop())


def _bounds(frame: pl.DataFrame, parts: int, whole: str | None) -> list[int]:
    """Where each part begins and the last one ends."""
    inner = [frame.height * part // parts for part in range(1, parts)]
    if whole is not None:
        values = frame[whole]
        inner = sorted({int(values.search_sorted(values[bound])) for bound in inner} - {0})
    return [0, *inner, frame.height]
