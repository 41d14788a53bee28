"""What a rejected post keeps of its body: enough for a person to judge the rejection, and no more."""

import polars as pl

#: Our choice; it lives as long as the text of irrelevant posts (docs/privacy.md).
EXCERPT_CHARACTERS = 120


def excerpt(text: pl.Expr) -> pl.Expr:
    """The beginning of a body in its reading form, at most `EXCERPT_CHARACTERS`; null for an empty one.

    A figure or word of Latin letters that the end would cut in two is left out: half a document number may look
    like somebody's telephone number.
    """
    whole = text.str.len_chars() <= EXCERPT_CHARACTERS
    # most are whole and stay as they are, which costs no memory; null stands for them where the others are shortened
    cut = pl.when(~whole).then(text.str.slice(0, EXCERPT_CHARACTERS))
    shortened = cut.str.replace(r"[0-9A-Za-z０-９.@_ +\-－—]+$", "").str.strip_chars_end()
    kept = pl.when(whole).then(text).otherwise(shortened)
    return pl.when(kept.str.contains(r"\S")).then(kept)
