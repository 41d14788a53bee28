"""Loops over the characters of many texts, compiled; what they share."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import numba
import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Compile at the first call, without the interpreter's lock, and keep the result on disk."""
    return cast(_Function, numba.njit(nogil=True, cache=True)(function))


def parallel(work: Callable[[int, int], object], count: int) -> None:
    """Do `work(start, end)` for all rows, a part per processor; the result of a row is its own affair."""
    parts = min(pl.thread_pool_size(), 1 + count // 1000)
    bounds = [count * part // parts for part in range(parts + 1)]
    if parts == 1:
        work(0, count)
        return
    with ThreadPoolExecutor(parts) as pool:
        list(pool.map(work, bounds[:-1], bounds[1:]))


def packed(texts: pl.Series) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """UTF-8 of all strings end to end, and where each begins and the last one ends; null counts as empty."""
    values = texts.fill_null("").rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, bounds, data = values.buffers()
    starts = np.frombuffer(bounds, np.int64)[values.offset : values.offset + len(values) + 1]
    return np.frombuffer(data or b"", np.uint8), starts


@compiled
def character(buffer: Any, at: Any) -> Any:
    """Code point of the UTF-8 character that begins at `at`, and how many bytes it has."""
    first = np.int64(buffer[at])
    if first < 128:
        return first, 1
    if first < 224:
        return (first & 31) << 6 | (np.int64(buffer[at + 1]) & 63), 2
    if first < 240:
        return (first & 15) << 12 | (np.int64(buffer[at + 1]) & 63) << 6 | (np.int64(buffer[at + 2]) & 63), 3
    high = (first & 7) << 18 | (np.int64(buffer[at + 1]) & 63) << 12
    return high | (np.int64(buffer[at + 2]) & 63) << 6 | (np.int64(buffer[at + 3]) & 63), 4


@compiled
def encode(code: Any, out: Any, at: Any) -> Any:
    """Write a character as UTF-8; returns the place behind it."""
    if code < 0x80:
        out[at] = np.uint8(code)
        return at + 1
    if code < 0x800:
        out[at] = np.uint8(0xC0 | code >> 6)
        out[at + 1] = np.uint8(0x80 | code & 63)
        return at + 2
    if code < 0x10000:
        out[at] = np.uint8(0xE0 | code >> 12)
        out[at + 1] = np.uint8(0x80 | code >> 6 & 63)
        out[at + 2] = np.uint8(0x80 | code & 63)
        return at + 3
    out[at] = np.uint8(0xF0 | code >> 18)
    out[at + 1] = np.uint8(0x80 | code >> 12 & 63)
    out[at + 2] = np.uint8(0x80 | code >> 6 & 63)
    out[at + 3] = np.uint8(0x80 | code & 63)
    return at + 4


def translate(texts: pl.Series, forms: NDArray[np.int32]) -> pl.Series:
    """Put one character in the place of each; null stays null.

    Args:
        texts: strings.
        forms: code point of what stands for each code point; those beyond its end stay. ASCII stays ASCII.
    """
    buffer, bounds = packed(texts)
    # a character of one byte stays one, all others at most double
    out, ends = np.empty(2 * len(buffer), np.uint8), np.zeros(len(bounds), np.int64)
    _translate(buffer, bounds, forms, out, ends)
    data = (pa.py_buffer(ends), pa.py_buffer(out[: ends[-1]]))
    written = pl.Series(texts.name, pa.LargeStringArray.from_buffers(len(texts), *data), dtype=pl.String)
    return written.zip_with(texts.is_not_null(), pl.Series([None], dtype=pl.String)) if texts.null_count() else written


@compiled
def _translate(buffer: Any, bounds: Any, forms: Any, out: Any, ends: Any) -> None:
    size = 0
    for row in range(len(bounds) - 1):
        at = bounds[row]
        while at < bounds[row + 1]:
            code, step = character(buffer, at)
            form = np.int64(forms[code]) if code < len(forms) else code
            if form == code:
                for k in range(step):
                    out[size + k] = buffer[at + k]
                size += step
            else:
                size = encode(form, out, size)
            at += step
        ends[row + 1] = size
