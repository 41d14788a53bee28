import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import transforms.understand.understand as stage
from bench.synthetic import random_texts
from caifeng.core.settings import Settings
from transforms.parts import in_parts, pieces_of


def test_parts_come_back_in_order_and_none_is_lost():
    frame = pl.DataFrame({"n": range(23)})
    sizes = []

    def work(part):
        sizes.append(part.height)
        return [part, part.filter(pl.col("n") % 2 == 0)]

    whole, even = in_parts(frame, work, rows=5)
    assert_frame_equal(whole, frame)
    assert even["n"].to_list() == list(range(0, 23, 2))
    assert len(sizes) == 5
    assert max(sizes) <= 5


def test_an_empty_frame_is_one_empty_part():
    (same,) = in_parts(pl.DataFrame(schema={"n": pl.Int64}), lambda part: [part])
    assert same.schema == {"n": pl.Int64}
    assert same.is_empty()


def test_what_is_understood_does_not_depend_on_the_parts(monkeypatch):
    settings = Settings.load()
    schema = settings.contracts()["clean.posts"].polars_schema()
    texts = random_texts(200).rename({"id": "post_id"})
    missing = [pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in texts.columns]
    posts = texts.with_columns(missing).with_columns(reach=pl.lit("county"), local_board=pl.lit(value=False))
    rules = settings.taxonomy(), settings.office(), settings.stance()
    whole = stage.understand(posts, *rules)
    monkeypatch.setattr(stage, "in_parts", lambda frame, work, rows=0: in_parts(frame, work, rows=17))
    parted = stage.understand(posts, *rules)
    assert whole.posts.height > 0
    assert_frame_equal(parted.posts, whole.posts)
    assert_frame_equal(parted.rejects, whole.rejects)


def test_a_stream_of_pieces_is_understood_like_the_whole():
    settings = Settings.load()
    schema = settings.contracts()["clean.posts"].polars_schema()
    texts = random_texts(60).rename({"id": "post_id"})
    missing = [pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in texts.columns]
    posts = texts.with_columns(missing).with_columns(reach=pl.lit("county"), local_board=pl.lit(value=False))
    rules = settings.taxonomy(), settings.office(), settings.stance()
    whole = stage.understand(posts, *rules)
    parted = stage.understand(iter([posts[40:], posts.clear(), posts[:40]]), *rules)
    assert min(whole.posts.height, whole.rejects.height) > 0
    assert_frame_equal(parted.posts, whole.posts)
    assert_frame_equal(parted.rejects, whole.rejects)


@given(st.lists(st.sampled_from("abcdefg")), st.integers(1, 9))
def test_pieces_are_the_frame_in_order_and_part_no_equal_values(names, rows):
    frame = pl.DataFrame({"name": names, "n": range(len(names))}, schema_overrides={"name": pl.String})
    pieces = list(pieces_of(frame, "name", rows))
    assert_frame_equal(pl.concat(pieces), frame.sort("name", maintain_order=True))
    kept_together = [set(piece["name"]) for piece in pieces]
    assert sum(map(len, kept_together)) == frame["name"].n_unique()
    assert all(kept_together) or frame.is_empty()


@given(st.lists(st.sampled_from("abcdefg")), st.integers(1, 9))
def test_parts_of_whole_values_see_all_rows_of_a_value(names, rows):
    frame = pl.DataFrame({"name": sorted(names)}, schema={"name": pl.String})
    (counts,) = in_parts(frame, lambda part: [part.group_by("name").len()], rows, whole="name")
    assert counts["name"].is_unique().all()
    assert dict(counts.iter_rows()) == {name: names.count(name) for name in names}
