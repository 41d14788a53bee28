"""The one guarded function: who may do what, when, and what is refused in str(error) a user understands."""

from datetime import timedelta

import pytest

from caifeng.cases.model import CHECK_NAMES, Actor, ConflictError, GuardError, OnBehalf, RoleError
from caifeng.cases.service import Step, act, act_all, read_case, verify_chain
from caifeng.core.errors import CaifengError, UsageError
from tests.cases.cases import ONE, SCAN, START, THREE, TWO, Desk, open_register


@pytest.fixture
def register(tmp_path):
    with open_register(tmp_path) as register:
        yield register


@pytest.fixture
def desk(register):
    return Desk(register)


def refused(desk, *args, **kwargs):
    """The error with which it is refused; nothing was added."""
    before = desk.register.events()
    with pytest.raises(GuardError) as caught:
        desk.do(*args, **kwargs)
    assert caught.value.exit_code == 1
    assert desk.register.events() == before
    return caught.value


# --- the whole way ---------------------------------------------------------------------------------------------------


def test_an_issue_that_is_true_goes_from_found_to_closed(desk):
    desk.confirm("larger")
    desk.do("report_inside", "monitor", report_to="deputy")
    desk.assign()
    desk.approved("interim")
    desk.publish("interim")
    assert desk.case.state == "assigned"
    desk.verify("true")
    desk.approved()
    desk.publish()
    given = {"form": "portal_notice", "place": "县政府门户"}
    assert refused(desk, "result_notice", "openness_office", **given).guard == "plan_was_made"
    assert refused(desk, "close", "openness_office").guard == "plan_was_made"
    desk.do("plan", "section", measures="补登十二户，重核汇总表", unit="social", due_day="2026-12-04")
    assert refused(desk, "result_notice", "openness_office", **given).guard == "release_was_checked"
    assert refused(desk, "close", "openness_office").guard == "plan_was_kept"
    desk.do("progress", "section", text="已补登八户")
    desk.do("plan_done", "openness_office", evidence="补登台账、复核记录", evidence_hash=SCAN)
    error = refused(desk, "close", "openness_office")
    assert error.guard == "result_was_told"
    assert "通报办理结果" in str(error)
    desk.check()
    desk.do("result_notice", "openness_office", **given)
    desk.do("close", "openness_office")
    case = desk.case
    assert (case.state, case.answer, case.outcome, case.level) == ("closed", "none", "true", "larger")
    assert case.first_published_at < case.verified_at < case.final_published_at < case.result_notice_at
    assert verify_chain(desk.register) == []


def test_what_is_not_true_closes_after_the_answer(desk):
    desk.answered("false")
    desk.do("close", "openness_office")
    assert desk.case.state == "closed"


def test_a_plain_question_is_answered_by_one_form(desk):
    desk.confirm()
    behalf = OnBehalf("deputy", desk.at, "phone", SCAN)
    steps = [
        Step("verify", {"outcome": "opinion_or_suggestion", "basis": "已有往年口径"}),
        Step("draft", {"kind": "final", "text": "CPI 由调查队发布，算法见链接。"}),
        Step("submit"),
        Step("approve", {}, behalf),
        Step("check_release", dict.fromkeys(CHECK_NAMES, "yes"), behalf),
        Step("publish", {"kind": "final", "form": "board_reply", "url": "https://www.example.gov.cn/2.html"}),
        Step("close"),
    ]
    events = act_all(desk.register, ONE, steps, Actor("openness_office", "o"), desk.at, expected=1)
    assert [event.sequence for event in events] == [2, 3, 4, 5, 6, 7, 8]
    assert desk.case.state == "closed"


def test_a_returned_draft_is_written_again(desk):
    desk.confirm()
    desk.verify()
    desk.do("draft", "openness_office", kind="final", text="初稿")
    desk.do("submit", "openness_office")
    desk.do("return", "deputy", reason="口径与公报不一致")
    assert desk.case.answer == "drafted"
    assert (
        refused(desk, "publish", "openness_office", kind="final", form="portal_notice", place="门户").guard == "state"
    )
    desk.do("draft", "openness_office", kind="final", text="二稿")
    desk.do("submit", "openness_office")
    desk.do("approve", "deputy")
    desk.publish()
    assert desk.case.state == "responded"


def test_a_second_wave_opens_the_case_again_and_must_be_verified_again(desk):
    desk.answered()
    assert refused(desk, "reopen", "monitor", reason="又来了").guard == "reason_is_said"
    desk.do("reopen", "monitor", reason="澄清后出现新的说法，转发再起")
    case = desk.case
    assert (case.state, case.reopened, case.outcome, case.final_published_at) == ("detected", 1, None, None)
    assert case.opened_at == desk.at
    desk.confirm("larger")
    assert refused(desk, "draft", "openness_office", kind="final", text="再次说明").guard == "final_is_verified"


# --- guards ----------------------------------------------------------------------------------------------------------


def test_no_final_answer_without_verification_but_an_interim_notice(desk):
    desk.confirm()
    error = refused(desk, "draft", "openness_office", kind="final", text="不属实")
    assert error.guard == "final_is_verified"
    assert "未核查" in str(error)
    desk.approved("interim")
    desk.publish("interim")
    assert desk.case.first_published_at is not None
    assert desk.case.final_published_at is None
    assert refused(desk, "close", "openness_office").guard == "state"


def test_an_interim_approval_does_not_cover_a_final_answer(desk):
    desk.confirm()
    desk.approved("interim")
    desk.verify()
    given = {"form": "portal_notice", "place": "门户"}
    assert refused(desk, "publish", "openness_office", kind="final", **given).guard == "state"


def test_nothing_is_published_without_approval(desk):
    desk.confirm()
    desk.verify()
    for kind in ("interim", "final"):
        assert (
            refused(desk, "publish", "openness_office", kind=kind, form="portal_notice", place="门户").guard == "state"
        )
        desk.do("draft", "openness_office", kind=kind, text="稿")
        assert (
            refused(desk, "publish", "openness_office", kind=kind, form="portal_notice", place="门户").guard == "state"
        )
        desk.do("withdraw", "openness_office", reason="另行起草")


def test_a_changed_draft_needs_approval_again(desk):
    desk.confirm()
    desk.verify()
    desk.approved()
    assert refused(desk, "draft", "openness_office", kind="final", text="悄悄改过的稿").guard == "state"
    desk.do("withdraw", "openness_office", reason="数字有误")
    desk.do("draft", "openness_office", kind="final", text="改过的稿")
    assert (
        refused(desk, "publish", "openness_office", kind="final", form="portal_notice", place="门户").guard == "state"
    )


def test_who_drafts_does_not_approve(desk):
    desk.confirm()
    desk.verify()
    desk.do("draft", "spokesperson", "zhang", kind="final", text="稿")
    desk.do("submit", "openness_office", "li")
    for drafter in ("zhang", "li"):
        error = refused(desk, "approve", "deputy", drafter)
        assert error.guard == "approver_did_not_draft"
        assert "拟稿人" in str(error)
    desk.do("approve", "deputy", "wang")
    assert desk.case.approved_by == "deputy"


@pytest.mark.parametrize("level", ["major", "extreme"])
def test_the_head_of_the_office_approves_what_is_major(desk, level):
    desk.confirm(level)
    desk.verify()
    desk.consult()
    desk.do("draft", "openness_office", kind="final", text="稿")
    desk.do("submit", "openness_office")
    error = refused(desk, "approve", "deputy")
    assert error.guard == "approver_has_rank"
    assert "主要领导" in str(error)
    desk.do("approve", "chief")
    desk.publish()


def test_a_level_raised_after_approval_asks_the_head_again(desk):
    desk.confirm("general")
    desk.verify()
    desk.approved(approver="deputy")
    desk.do("change_level", "openness_office", level="major", reason="省级媒体跟进，影响范围扩大")
    given = {"kind": "final", "form": "portal_notice", "place": "门户"}
    assert refused(desk, "publish", "openness_office", **given).guard == "approver_has_rank"
    desk.do("return", "chief", reason="按重大事项重新审批")
    desk.consult()
    desk.do("submit", "openness_office")
    desk.do("approve", "chief")
    desk.publish()


def test_the_accused_unit_does_not_verify_itself(desk):
    desk.confirm(accused_unit="rural")
    error = refused(desk, "assign", "openness_office", unit="rural")
    assert error.guard == "unit_is_not_accused"
    assert "核查自己" in str(error)
    desk.assign("enforcement")
    given = {"outcome": "false", "basis": "自查"}
    assert refused(desk, "verify", "section", of_unit="rural", **given).guard == "verifier_is_not_accused"
    assert refused(desk, "verify", "openness_office", unit="rural", **given).guard == "verifier_is_not_accused"
    assert refused(desk, "verify", "section", of_unit="trade", **given).guard == "own_case"
    desk.do("verify", "section", of_unit="enforcement", **given)


def test_an_accusation_that_comes_later_counts_too(desk):
    desk.confirm()
    desk.assign("rural")
    desk.do("change_level", "openness_office", level="larger", reason="网帖点名该股室填报数据", accused_unit="rural")
    assert refused(desk, "verify", "section", outcome="false", basis="自查").guard == "verifier_is_not_accused"
    desk.assign("enforcement")
    desk.verify()


def test_the_outcome_follows_from_the_claims(desk):
    desk.confirm()
    claims = [
        {"text": "没有入户", "type": "fact", "finding": "false", "evidence": ["入户照片编号12"]},
        {"text": "登记表有误", "type": "fact", "finding": "true"},
        {"text": "不合理", "type": "judgement", "finding": "none"},
    ]
    error = refused(desk, "verify", "section", outcome="false", basis="台账", claims=claims)
    assert error.guard == "outcome_follows_claims"
    assert "部分属实" in str(error)
    desk.do("verify", "section", outcome="partly_true", basis="台账", claims=claims)


def test_the_outcome_stands_while_a_final_answer_is_under_way(desk):
    desk.confirm()
    desk.verify("false")
    desk.approved()
    assert refused(desk, "verify", "section", outcome="true", basis="补充核查").guard == "no_final_under_way"


def test_a_changed_level_needs_ten_characters(desk):
    given = {"suggested_level": "general", "level": "larger"}
    assert refused(desk, "confirm", "monitor", **given).guard == "change_has_reason"
    assert refused(desk, "confirm", "monitor", **given, reason="九个字不够九个字不").guard == "change_has_reason"
    desk.do("confirm", "monitor", **given, reason="十个字刚好够用十个字")
    assert desk.case.level == "larger"


def test_unknown_suggestion_is_no_agreement(desk):
    assert refused(desk, "confirm", "monitor", level="general").guard == "change_has_reason"


def test_a_duplicate_has_a_parent_that_is_another_open_case(register):
    one, two = Desk(register, ONE), Desk(register, TWO)
    assert refused(one, "duplicate", "monitor", parent=ONE).guard == "parent_is_another_case"
    assert refused(one, "duplicate", "monitor", parent="YQ-2026-9999").guard == "parent_is_another_case"
    one.do("duplicate", "monitor", parent=TWO)
    assert refused(two, "duplicate", "monitor", parent=ONE).guard == "parent_is_another_case"
    assert read_case(register, ONE).parent == TWO
    two.do("duplicate", "monitor", parent=THREE)


def test_what_owes_an_answer_does_not_close_without_one(desk):
    desk.confirm(response_value="should")
    desk.verify("unverifiable")
    assert refused(desk, "close", "openness_office").guard == "answer_was_given"


def test_an_unknown_response_value_is_not_a_no(desk):
    desk.do("confirm", "monitor", level="general", suggested_level="general")
    desk.verify()
    assert refused(desk, "close", "openness_office").guard == "answer_was_given"


def test_what_owes_no_answer_closes_after_verification(desk):
    desk.confirm(response_value="log_only")
    desk.verify()
    desk.do("close", "openness_office")
    assert desk.case.state == "closed"


def test_what_is_not_ours_is_passed_on_before_it_closes(desk):
    desk.confirm()
    desk.verify("not_ours")
    assert refused(desk, "close", "openness_office").guard == "answer_was_given"
    desk.do("refer", "openness_office", recipient="survey_team", medium="written")
    desk.do("close", "openness_office")


def test_a_publication_names_its_place_and_a_possible_time(desk):
    desk.confirm()
    desk.verify()
    desk.approved()
    given = {"kind": "final", "form": "portal_notice"}
    assert refused(desk, "publish", "openness_office", **given).guard == "place_is_named"
    given["place"] = "县政府门户"
    early, late = (desk.at + timedelta(days=days) for days in (-1, 1))
    assert (
        refused(desk, "publish", "openness_office", **given, published_at=early.isoformat()).guard
        == "published_after_approval"
    )
    assert (
        refused(desk, "publish", "openness_office", **given, published_at=late.isoformat()).guard
        == "published_after_approval"
    )
    desk.publish(published_at=desk.at.isoformat())


def test_a_log_is_signed_once(register):
    def sign(file_hash):
        payload = {"day": "2026-11-20", "file_hash": file_hash}
        return act(register, None, "log_signed", Actor("openness_office", "o"), payload, START)

    assert sign(SCAN).event_id == "daily_log#1"
    with pytest.raises(GuardError, match="已经签发"):
        sign(SCAN)
    assert sign("b" * 64).from_state is None


def test_a_lead_is_kept_without_personal_data(register):
    payload = {"title": "听众来电反映普查员态度", "source": "县广播电台", "text": "来电人手机13912345678"}
    event = act(register, None, "new_lead", Actor("monitor", "m"), payload, START)
    assert "13912345678" not in event.payload["text"]
    assert event.subject == "leads"


# --- roles and decisions away from the screen ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "role", "payload"),
    [
        ("confirm", "section", {"level": "general"}),
        ("confirm", "auditor", {"level": "general"}),
        ("log_only", "chief", {"log_reason": "praise"}),
        ("assign", "monitor", {"unit": "general"}),
        ("approve", "openness_office", {}),
        ("approve", "section", {}),
        ("publish", "deputy", {"kind": "final", "form": "portal_notice", "place": "门户"}),
        ("close", "section", {}),
        ("note", "auditor", {"text": "看过"}),
        ("note", "stranger", {"text": "看过"}),
    ],
)
def test_a_wrong_role_is_refused_whatever_the_state(desk, event, role, payload):
    with pytest.raises(RoleError) as caught:
        desk.do(event, role, **payload)
    assert caught.value.exit_code == 2
    assert desk.register.events() == ()


def in_review(desk):
    desk.confirm()
    desk.verify()
    desk.do("draft", "openness_office", kind="final", text="稿")
    desk.do("submit", "openness_office")


def test_a_decision_on_paper_is_the_leaders(desk):
    in_review(desk)
    behalf = OnBehalf("deputy", desk.at, "paper", SCAN)
    event = desk.do("approve", "openness_office", on_behalf=behalf)
    assert (event.role, event.actor_role, event.decided_at) == ("deputy", "openness_office", behalf.decided_at)
    assert desk.case.approved_by == "deputy"
    assert desk.case.approved_at == behalf.decided_at


@pytest.mark.parametrize(
    "behalf",
    [
        OnBehalf("deputy", START, "paper"),
        OnBehalf("deputy", START, "paper", "no hash"),
        OnBehalf("deputy", START, "rumour"),
        OnBehalf("deputy", START + timedelta(days=9), "phone"),
        OnBehalf("deputy", START.replace(tzinfo=None), "phone"),
    ],
)
def test_an_incomplete_registration_is_refused(desk, behalf):
    in_review(desk)
    assert refused(desk, "approve", "openness_office", on_behalf=behalf).guard == "on_behalf"


def test_only_the_openness_office_registers_for_others_and_only_what_they_may(desk):
    in_review(desk)
    with pytest.raises(RoleError):
        desk.do("approve", "monitor", on_behalf=OnBehalf("deputy", desk.at, "phone"))
    with pytest.raises(RoleError):
        desk.do("approve", "openness_office", on_behalf=OnBehalf("section", desk.at, "phone"))


# --- what was filled in ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"level": "huge"},
        {"level": "general", "colour": "red"},
        {"level": "general", "sensitive": "yes"},
        {"level": ""},
        {"level": "general", "reason": 7},
        {"level": "general", "reason": "控制\x00字符"},
        {"level": "general", "accused_unit": "; DROP TABLE"},
    ],
)
def test_a_payload_is_checked_field_by_field(desk, payload):
    assert refused(desk, "confirm", "monitor", **payload).guard == "payload"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://x.cn/", "https://", "https://a b", "/relative"])
def test_only_web_addresses_are_links(desk, url):
    desk.confirm()
    desk.verify()
    desk.approved()
    assert refused(desk, "publish", "openness_office", kind="final", form="portal_notice", url=url).guard == "payload"


@pytest.mark.parametrize(
    "claims",
    [[], "x", [{"text": "甲"}], [{"text": "甲", "type": "fact", "finding": "maybe"}], [{"text": 1}], ["甲"]],
)
def test_claims_are_checked_too(desk, claims):
    desk.confirm()
    assert refused(desk, "verify", "section", outcome="false", basis="台账", claims=claims).guard == "payload"


def test_free_words_are_scrubbed_but_the_offices_own_answer(desk):
    desk.do("note", "monitor", text="来电人13912345678")
    desk.confirm()
    desk.verify()
    desk.do("draft", "openness_office", kind="final", text="咨询电话0558-7212345")
    noted, *_, drafted = desk.register.events(ONE)
    assert "13912345678" not in noted.payload["text"]
    assert drafted.payload["text"] == "咨询电话0558-7212345"


def test_what_does_not_exist_is_named(register):
    monitor = Actor("monitor", "m")
    with pytest.raises(UsageError, match="YQ-2026-0099"):
        act(register, "YQ-2026-0099", "note", monitor, {"text": "甲"}, START)
    with pytest.raises(UsageError, match="fly"):
        act(register, ONE, "fly", monitor, {}, START)
    with pytest.raises(UsageError, match="issue number"):
        act(register, None, "note", monitor, {"text": "甲"}, START)
    with pytest.raises(UsageError, match="no issue"):
        act(register, ONE, "new_lead", monitor, {"title": "甲", "source": "乙"}, START)


def test_every_refusal_is_an_expected_error():
    assert all(issubclass(error, CaifengError) for error in (RoleError, GuardError, ConflictError))
