"""Answers found by themselves: precision and recall on an invented set, what is never proposed, and order."""

import random
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError

from caifeng.core.contracts import load_contracts
from caifeng.core.model.answers import ANSWER_KIND_NAMES, AnswerRules, AnswersConfig, EffectRules
from caifeng.core.model.grouping import GroupingRules
from caifeng.core.settings import Settings, load_model
from tests.unit.frames import NOON, posts
from transforms.grade.effect import RESPONSE_COUNTS, count_around, first_responses
from transforms.understand.answers import PROPOSALS, propose_answers
from transforms.understand.understand import understand

ROOT = Path(__file__).parents[2]
CONFIG = load_model(ROOT / "config" / "answers.toml", AnswersConfig)
GROUPING = load_model(ROOT / "config" / "grouping.toml", GroupingRules)
CORPUS = tomllib.loads((Path(__file__).parent / "answers_corpus.toml").read_text("utf8"))
CONTRACTS = load_contracts(ROOT / "sql")
SCHEMA = CONTRACTS["graded.posts"].polars_schema()
UTC_TIME = pl.Datetime("us", "UTC")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LETTERS = pl.Schema(
    dict.fromkeys(("issue_no", "post_id", "source_name", "url", "title"), pl.String)
    | dict.fromkeys(("answered_at", "first_seen_at"), UTC_TIME)
)
NO_LETTERS = LETTERS.to_frame()
TOPICS = {"income": "居民收入"}


def cases_of(found: pl.DataFrame, since: datetime = NOON, **values) -> pl.DataFrame:
    """Founding posts with `issue_no` as cases."""
    never = pl.lit(None, UTC_TIME)
    return found.with_columns(since=pl.lit(since).cast(UTC_TIME), reopened_at=never, by_office=False).with_columns(
        **{name: pl.lit(value) for name, value in values.items()}
    )


def propose(cases, own, letters=NO_LETTERS, as_of=NOON + 30 * DAY, rules=CONFIG.proposal):
    return propose_answers(cases, own, letters, rules, GROUPING, TOPICS, as_of)


# --- precision and recall ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def read() -> tuple[pl.DataFrame, pl.DataFrame]:
    """The corpus as the rules of this repository read it: cases, and posts of own sources with `answers`."""
    usual = {
        "source_id": "s", "source_name": "县政府网", "source_class": "portal", "media_tier": "none", "reach": "county",
        "local_board": False, "official_channel": False, "url": "https://example.org/1", "text_hash": "0" * 16,
        "published_at": NOON, "published_precision": "minute", "first_fetched_at": NOON + HOUR,
    }  # fmt: skip
    rows = [
        {**usual, "post_id": f"{number:016x}", "title": row["title"], "text": row["text"]}
        for number, row in enumerate(CORPUS["issue"] + CORPUS["own"])
    ]
    known = pl.DataFrame(
        [
            {"post_id": f"{number:016x}", "issue_no": row.get("id"), "answers": row.get("answers"), "half": row["half"]}
            for number, row in enumerate(CORPUS["issue"] + CORPUS["own"])
        ]
    )
    settings = Settings(config=ROOT / "config")
    found = understand(
        pl.DataFrame(rows, schema=CONTRACTS["clean.posts"].polars_schema()),
        settings.taxonomy(),
        settings.office(),
        settings.stance(),
    ).posts.join(known, on="post_id")
    own = found.filter(pl.col("issue_no").is_null()).drop("issue_no").with_columns(kind=pl.lit("portal_article"))
    return cases_of(found.filter(pl.col("issue_no").is_not_null())), own


def test_precision_and_recall_on_the_invented_set(read):
    cases, own = read
    answers = sum("answers" in row for row in CORPUS["own"])
    others = len(CORPUS["own"]) - answers
    assert (cases.height, answers) == (34, 34)
    assert others >= 40
    found = propose(cases, own).join(own.select("post_id", "answers", "half"), on="post_id")
    right = found.filter(pl.col("answers") == pl.col("issue_no"))
    assert right.height / found.height >= 0.9
    assert right.height / answers >= 0.8
    # neither half lives on the other
    for half in "abc":
        wanted = sum("answers" in row and row["half"] == half for row in CORPUS["own"])
        assert right.filter(half=half).height / wanted >= 0.8, half


def test_the_order_of_rows_does_not_matter(read):
    cases, own = read
    found = propose(cases, own)
    for seed in range(3):
        shuffled = [frame.sample(fraction=1, shuffle=True, seed=seed) for frame in (cases, own)]
        assert propose(*shuffled).equals(found)
    assert found.height > 10


# --- what is proposed, and what never ---------------------------------------------------------------------------------

MATTER = {
    "post_id": "a", "topic": "income", "topics": ["income"], "evidence": ["town:楚村镇@0"], "title": "楚村镇收入是编的",
    "text": "公示栏上写楚村镇农村居民人均可支配收入两万三，从来没见人下来调查。", "published_at": NOON,
}  # fmt: skip
ANSWER = {
    "post_id": "b", "source_class": "portal", "topic": "income", "topics": ["income"], "evidence": ["town:楚村镇@2"],
    "title": "关于楚村镇农村居民收入数据来源的说明",
    "published_at": NOON + 5 * HOUR, "first_fetched_at": NOON + 6 * HOUR,
    "text": "有网民反映楚村镇农村居民人均可支配收入没有调查。收入数据来自住户收支调查，县镇都无权更改。",
}  # fmt: skip


def one_case(**values):
    return cases_of(posts(SCHEMA, MATTER).with_columns(issue_no=pl.lit("YQ-2026-0001")), **values)


def own_posts(*changes, kind="portal_article"):
    return posts(SCHEMA, *(ANSWER | change for change in changes or ({},))).with_columns(kind=pl.lit(kind))


def test_a_proposal_says_why_and_which_form_it_would_have():
    row = propose(one_case(), own_posts()).row(0, named=True)
    assert dict(PROPOSALS).keys() == row.keys()
    assert (row["issue_no"], row["post_id"], row["kind"], row["form"]) == (
        "YQ-2026-0001", "b", "portal_article", "portal_notice",
    )  # fmt: skip
    assert row["why"].startswith("标题有“说明”；文中说到“网民”；同说楚村；同属居民收入；与首发内容相似度 0.")
    assert CONFIG.proposal.least_score <= row["score"] < 1
    assert (row["published_at"], row["found_at"]) == (NOON + 5 * HOUR, NOON + 6 * HOUR)


@pytest.mark.parametrize(
    ("change", "proposed"),
    [
        ({}, True),
        ({"topics": ["wage"]}, False),
        ({"topics": ["other_stats"]}, True),
        ({"evidence": ["town:许疃镇@2"]}, False),
        ({"evidence": []}, True),
        ({"published_at": NOON - HOUR}, False),
        ({"published_at": None, "published_precision": "unknown"}, True),
        # a day without a time may be the afternoon
        ({"published_at": NOON - 12 * HOUR, "published_precision": "day"}, True),
        ({"published_at": NOON - 36 * HOUR, "published_precision": "day"}, False),
        ({"title": "我县召开农村居民收入统计培训会", "text": "会议布置了住户调查下半年的工作。"}, False),
    ],
)
def test_after_the_matter_of_its_topic_and_of_no_other_place(change, proposed):
    found = propose(one_case(), own_posts(change))
    assert found["issue_no"].to_list() == (["YQ-2026-0001"] if proposed else [])


def test_what_was_found_later_or_is_about_an_own_post_is_not_proposed():
    assert propose(one_case(), own_posts()).height == 1
    assert propose(one_case(), own_posts(), as_of=NOON + 5 * HOUR).is_empty()
    assert propose(one_case(by_office=True), own_posts()).is_empty()
    assert propose(one_case().clear(), own_posts()).is_empty()
    assert propose(one_case(), own_posts().clear()).schema == PROPOSALS


@pytest.mark.parametrize(
    ("change", "kind", "form"),
    [
        ({"source_class": "disclosure"}, "portal_article", "openness_platform"),
        ({"title": "解读：楚村镇农村居民收入数据的来源"}, "portal_article", "policy_interpretation"),
        ({}, "new_media", "gov_new_media"),
    ],
)
def test_the_form_follows_from_where_it_stands(change, kind, form):
    row = propose(one_case(), own_posts(change, kind=kind)).row(0, named=True)
    assert (row["kind"], row["form"]) == (kind, form)
    assert row["kind"] in ANSWER_KIND_NAMES


def test_a_post_is_proposed_for_the_cases_it_fits_best_and_a_case_has_few_proposals():
    near = MATTER | {
        "post_id": "c",
        "title": "收入",
        "text": "楚村镇今年人均收入和收成都不好，种地的人也少了，农村居民怎么办。",
    }
    cases = cases_of(posts(SCHEMA, MATTER, near).with_columns(issue_no=pl.Series(["YQ-2026-0001", "YQ-2026-0002"])))
    assert propose(cases, own_posts(), rules=AnswerRules(beside_best=0))["issue_no"].n_unique() == 2
    assert propose(cases, own_posts())["issue_no"].to_list() == ["YQ-2026-0001"]
    many = own_posts(*({"post_id": f"{n:x}", "url": f"https://example.org/{n}"} for n in range(8)))
    assert propose(one_case(), many)["post_id"].to_list() == list("01234")


def letters(*rows):
    usual = {
        "issue_no": "YQ-2026-0001",
        "post_id": "a",
        "source_name": "县长信箱",
        "url": "https://example.org/l",
        "title": "问",
    }
    return pl.DataFrame([usual | row for row in rows], schema=LETTERS)


def test_the_answer_to_a_letter_is_certain_and_the_first_one_counts():
    first = {"answered_at": NOON + HOUR, "first_seen_at": NOON + 2 * HOUR}
    again = {"answered_at": NOON + 9 * HOUR, "first_seen_at": NOON + 26 * HOUR}
    found = propose(one_case(), own_posts(), letters(again, first))
    assert found["kind"].to_list() == ["letter_reply", "portal_article"]
    row = found.row(0, named=True)
    assert (row["score"], row["form"], row["published_at"]) == (1.0, "board_reply", NOON + HOUR)
    assert row["why"] == "首发来信已有公开答复；页面载明 2026-11-22 13:00 答复"
    assert propose(one_case(), own_posts().clear(), letters(first), as_of=NOON + HOUR).is_empty()


def test_a_letter_without_a_stated_time_and_one_that_joined_later():
    row = propose(one_case(), own_posts().clear(), letters({"post_id": "z", "first_seen_at": NOON + 2 * HOUR})).row(
        0, named=True
    )
    assert row["published_at"] is None
    assert row["why"] == "事项内的来信已有公开答复；页面未载明答复时间，2026-11-22 14:00 首次读到"


def test_after_a_reopening_the_old_answer_is_none():
    old = {"answered_at": NOON + HOUR, "first_seen_at": NOON + 2 * HOUR}
    reopened = NOON + 3 * DAY
    case = one_case(since=reopened).with_columns(reopened_at=pl.lit(reopened).cast(UTC_TIME))
    assert propose(case, own_posts(), letters(old)).is_empty()
    new = {"post_id": "n", "answered_at": reopened + HOUR, "first_seen_at": reopened + HOUR}
    assert propose(case, own_posts(), letters(old, new))["post_id"].to_list() == ["n"]


def test_configuration_is_typed():
    assert CONFIG.proposal.title_words[:2] == ("回应", "答复")
    for values in ({"least_score": 0}, {"title_points": 2}, {"most": 0}, {"words": ["x"]}):
        with pytest.raises(ValidationError):
            AnswerRules.model_validate(values)
    with pytest.raises(ValidationError):
        EffectRules.model_validate({"watched_days": 2})
    assert propose(one_case(), own_posts(), rules=AnswerRules(title_words=(), public_words=(), least_score=0.1)).height


# --- counts around the first response ---------------------------------------------------------------------------------

AT = datetime(2026, 11, 23, 4, tzinfo=UTC)
ISSUE = "YQ-2026-0001"
OFFICIAL = "https://example.org/answer"


def responses(*rows):
    usual = {"issue_no": ISSUE, "round_no": 1, "event_id": f"{ISSUE}#7", "kind": "final", "url": OFFICIAL}
    times = {"published_at": AT, "registered_at": AT + HOUR}
    schema = CONTRACTS["cases.responses"].polars_schema()
    return pl.DataFrame([{**usual, **times, **row} for row in rows], schema=schema)


def around(*voices, answer=None, as_of=AT + 10 * DAY, rules=CONFIG.effect, first=None):
    """Counts of voices given as (hours from the response, values)."""
    rows = [
        {"post_id": f"p{n}", "published_at": AT + hours * HOUR, "first_fetched_at": AT + hours * HOUR, **values}
        for n, (hours, values) in enumerate(voices)
    ]
    said = posts(SCHEMA, *[{k: v for k, v in row.items() if k not in ("group", "own")} for row in rows])
    said = said.with_columns(own=pl.Series([bool(row.get("own")) for row in rows], dtype=pl.Boolean))
    links = pl.DataFrame(
        {
            "issue_no": [ISSUE] * len(rows),
            "post_id": [row["post_id"] for row in rows],
            "group_id": [row.get("group", f"g{n}") for n, row in enumerate(rows)],
        },
        schema=dict.fromkeys(("issue_no", "post_id", "group_id"), pl.String),
    )
    answers = pl.DataFrame(
        {"issue_no": [ISSUE], "answer": [answer]}, schema={"issue_no": pl.String, "answer": pl.String}
    )
    first = first_responses(responses({}), as_of, rules) if first is None else first
    found = count_around(first, links, said, answers, rules, as_of)
    assert found.schema == RESPONSE_COUNTS
    return found.row(0, named=True)


def test_the_first_response_counts_for_as_long_as_it_is_watched():
    rounds = responses({}, {"round_no": 2, "kind": "result", "published_at": AT - HOUR}, {"issue_no": "YQ-2026-0002"})
    first = first_responses(rounds, AT + DAY, CONFIG.effect)
    assert first.select("issue_no", "kind").rows() == [(ISSUE, "result"), ("YQ-2026-0002", "final")]
    assert first_responses(rounds, AT + HOUR / 2, CONFIG.effect).is_empty()
    assert first_responses(rounds, AT + 31 * DAY, CONFIG.effect).is_empty()
    late = responses({"registered_at": AT + 20 * DAY})
    assert first_responses(late, AT + 40 * DAY, CONFIG.effect).height == 1


def test_voices_fall_into_their_hours():
    hours = (-24.5, -24, -1, 0, 23, 24, 47, 48, 71.5, 72)
    row = around(*((h, {}) for h in hours))
    assert (row["voices_before"], row["voices_after"], row["voices_later"]) == (2, 4, 6)
    assert (row["peak_before"], row["peak_after"]) == (1, 1)
    assert row["window_ends_at"] == AT + 72 * HOUR
    assert row["window_complete"] is True


def test_copies_are_one_voice_a_day():
    row = around(*((h, {"group": "same"}) for h in (-3, -2, 25, 26, 50)))
    assert (row["voices_before"], row["voices_after"], row["peak_before"], row["peak_after"]) == (1, 2, 1, 1)


def test_the_office_the_answer_and_notices_are_no_voices():
    row = around(
        (1, {}),
        (2, {"own": True}),
        (0, {"url": OFFICIAL}),
        (3, {"facts": ["official_notice"]}),
        (-2, {"url": OFFICIAL}),  # a letter, on whose page the answer was then given
    )
    assert (row["voices_later"], row["voices_before"]) == (1, 1)


def test_tone_is_counted_where_it_is_known():
    tones = ("negative", "negative", "neutral", "unknown")
    row = around(*((-5 + n, {"tone": tone}) for n, tone in enumerate(tones)), (30, {"tone": "negative"}))
    assert (row["judged_before"], row["negative_before"], row["judged_after"], row["negative_after"]) == (3, 2, 1, 1)


def test_new_questions_were_not_asked_before():
    asks = {"stance": "question"}
    row = around((-3, asks | {"group": "old"}), (2, asks | {"group": "old"}), (3, asks), (80, asks), (4, {}))
    assert (row["questions_new"], row["voices_later"]) == (1, 3)


def test_the_peaks_are_of_six_hours():
    row = around(*((h, {}) for h in (-5, -4, -1, -7, 30, 31, 32, 35.9, 36, 3, 4, 5, 5.5, 5.6)))
    assert (row["peak_before"], row["peak_after"]) == (3, 4)


def test_a_quotation_has_a_clause_that_nobody_had_said_before():
    answer = "网上说楚村镇的收入没有人下来调查。居民收入数据来自住户收支调查，县镇两级都无权更改调查户的账本。"
    row = around(
        (-2, {"text": "听说楚村镇的收入没有人下来调查"}),
        (2, {"text": "县里回应了：“居民收入数据来自住户收支调查”，总算说清楚。"}),
        (3, {"text": "还是那句话，网上说楚村镇的收入没有人下来调查"}),
        (4, {"text": "县、镇两级都无权更改调查户的账本！"}),
        (5, {"text": "收入数据的事有说法了吗"}),
        answer=answer,
    )
    # the third repeats a clause of the answer that nobody had said in these words: it is a quotation by this rule
    assert (row["quoting"], row["voices_later"]) == (3, 4)
    said_before = (-1, {"text": "网上说楚村镇的收入没有人下来调查，真的吗"})
    again = (3, {"text": "还是那句话，网上说楚村镇的收入没有人下来调查"})
    assert around(said_before, again, answer=answer)["quoting"] == 0


def test_unknown_is_not_zero():
    assert around((1, {}), answer=None)["quoting"] is None
    assert around((1, {}), answer="已关注，正在核查。")["quoting"] is None
    silent = around((500, {}), answer="居民收入数据来自住户收支调查，县镇无权更改。")
    assert (silent["quoting"], silent["voices_before"], silent["peak_after"]) == (0, 0, 0)


def test_what_is_found_later_does_not_count():
    late = {"first_fetched_at": AT + 60 * HOUR}
    row = around((-1, {}), (1, late), as_of=AT + 50 * HOUR)
    assert (row["voices_before"], row["voices_later"], row["window_complete"]) == (1, 0, False)


def test_counts_do_not_hang_on_the_order():
    voices = [(h / 2, {"group": f"g{h % 7}", "tone": "negative"}) for h in range(-50, 150)]
    expected = around(*voices)
    random.Random(7).shuffle(voices)
    assert around(*voices) == expected
    assert expected["voices_before"] == 7
