"""Consultation, plans, hand-offs, rounds, adoption, release checks, illegal content, named persons: what is refused."""

from datetime import timedelta

import pytest

from caifeng.cases.guards import CaseRules
from caifeng.cases.machine import allowed
from caifeng.cases.model import CHECK_NAMES, Actor, GuardError, OnBehalf, RoleError
from caifeng.cases.service import act
from caifeng.core.model.register import RegisterRules
from tests.cases.cases import ONE, SCAN, START, Desk, open_register
from tests.cases.test_service import refused

FACT = {"text": "称入户登记收费", "type": "fact", "finding": "false"}
VIEW = {"text": "称不合理", "type": "judgement", "finding": "none"}
IDEA = {"text": "建议公布分乡镇数据", "type": "suggestion", "finding": "none"}
REASON = "经核实，内容与事实明显不符"


@pytest.fixture
def register(tmp_path):
    with open_register(tmp_path) as register:
        yield register


@pytest.fixture
def desk(register):
    return Desk(register)


def verified(desk, outcome="false", level="general", claims=None, **payload):
    desk.confirm(level, **payload)
    desk.do("verify", "section", outcome=outcome, basis="查阅台账", **({"claims": claims} if claims else {}))


def drafted(desk, drafter="zhang", kind="final"):
    desk.do("draft", "openness_office", drafter, kind=kind, text="经核查，情况如下。")
    desk.do("submit", "openness_office", drafter)


# --- consultation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [{"level": "major"}, {"level": "extreme"}, {"sensitive": True}])
def test_others_are_heard_before_a_final_answer_to_what_is_major_or_sensitive(desk, payload):
    verified(desk, **payload)
    desk.do("draft", "openness_office", kind="final", text="稿")
    error = refused(desk, "submit", "openness_office")
    assert error.guard == "others_were_heard"
    assert "本单位规定" in str(error)
    desk.do("consult", "openness_office", invitees=["publicity", "internet"], consult_medium="meeting")
    assert refused(desk, "submit", "openness_office").guard == "others_were_heard"
    assert refused(desk, "minutes", "openness_office", concluded_level="major", text="略").guard == "opinion_was_heard"
    given = {"consult_medium": "phone", "opinion": "同意口径"}
    assert refused(desk, "consult_result", "openness_office", invitee="police", **given).guard == "invitee_was_asked"
    late = (desk.at + timedelta(days=1)).isoformat()
    assert (
        refused(desk, "consult_result", "openness_office", invitee="internet", answered_at=late, **given).guard
        == "times_are_past"
    )
    desk.do("consult_result", "openness_office", invitee="internet", **given)
    desk.do("minutes", "deputy", concluded_level="major", text="按重大办理", disagreement="网信部门建议暂缓")
    desk.do("submit", "openness_office")


def test_an_interim_notice_and_a_plain_issue_need_no_consultation(desk):
    desk.confirm("major")
    drafted(desk, kind="interim")
    desk.do("withdraw", "openness_office", reason="另行起草")
    desk.do("change_level", "openness_office", level="general", reason="仅一篇网帖，无媒体跟进")
    desk.verify()
    drafted(desk)
    assert desk.case.answer == "in_review"


def test_invitees_are_a_closed_list(desk):
    given = {"consult_medium": "phone"}
    assert refused(desk, "consult", "openness_office", invitees=["张三"], **given).guard == "payload"
    assert refused(desk, "consult", "openness_office", invitees=[], **given).guard == "payload"
    event = desk.do("consult", "openness_office", invitees="police, section", **given)
    assert event.codes["invitees"] == ["police", "section"]


def test_the_office_may_switch_it_off(desk):
    verified(desk, level="major")
    desk.do("draft", "openness_office", kind="final", text="稿")
    off = CaseRules(RegisterRules(consult_before_submit=False))
    act(desk.register, ONE, "submit", Actor("openness_office", "o"), {}, desk.at, rules=off)
    assert off.own.switched_off
    assert RegisterRules().switched_off == ()


# --- named persons ---------------------------------------------------------------------------------------------------


def test_a_stand_in_is_the_same_person(desk):
    verified(desk)
    desk.do("draft", "spokesperson", "wang", kind="final", text="稿")
    desk.do("submit", "openness_office", "li")
    for person in ("wang", "li"):
        assert refused(desk, "approve", "deputy", person).guard == "approver_did_not_draft"
        assert refused(desk, "check_release", "deputy", person, **TICKED).guard == "checker_did_not_draft"


TICKED = dict.fromkeys(CHECK_NAMES, "yes")


@pytest.mark.parametrize("event", ["approve", "check_release"])
def test_a_drafter_registers_a_decision_only_with_its_scan(desk, event):
    verified(desk)
    drafted(desk, "zhang")
    payload = TICKED if event == "check_release" else {}
    unproved = OnBehalf("deputy", desk.at, "phone")
    error = refused(desk, event, "openness_office", "zhang", on_behalf=unproved, **payload)
    assert error.guard in ("approver_did_not_draft", "checker_did_not_draft")
    desk.do(event, "openness_office", "zhang", on_behalf=OnBehalf("deputy", desk.at, "phone", SCAN), **payload)


def test_another_registrar_needs_no_scan_of_a_phone_call(desk):
    verified(desk)
    drafted(desk, "zhang")
    desk.do("approve", "openness_office", "li", on_behalf=OnBehalf("deputy", desk.at, "phone"))
    assert desk.case.approved_by == "deputy"


def test_the_accused_unit_concludes_nothing(desk):
    verified(desk, "true", accused_unit="rural")
    plan = {"measures": "补登", "unit": "rural", "due_day": "2026-12-04"}
    desk.do("plan", "section", of_unit="rural", **plan)  # it puts right what it did
    assert refused(desk, "draft", "section", of_unit="rural", kind="final", text="稿").guard == "author_is_not_accused"
    given = {"evidence": "自查"}
    with pytest.raises(RoleError):
        desk.do("plan_done", "section", of_unit="rural", **given)
    desk.do("plan_done", "openness_office", of_unit="openness", **given)


def test_an_accused_openness_office_does_not_close_its_own_case(desk):
    verified(desk, response_value="log_only", accused_unit="openness")
    assert refused(desk, "close", "openness_office", of_unit="openness").guard == "actor_is_not_accused"
    desk.do("close", "deputy", of_unit=None)


def test_an_outcome_registered_for_the_accused_unit_is_refused_too(desk):
    desk.confirm()
    desk.assign("rural")
    desk.do("change_level", "openness_office", level="larger", reason="网帖点名该股室填报数据", accused_unit="rural")
    behalf = OnBehalf("section", desk.at, "phone")
    given = {"outcome": "false", "basis": "自查"}
    error = refused(desk, "verify", "openness_office", of_unit="openness", on_behalf=behalf, **given)
    assert error.guard == "verifier_is_not_accused"


def test_an_accused_bureau_tells_the_city_first(desk):
    desk.confirm(bureau_accused=True)
    error = refused(desk, "verify", "section", outcome="false", basis="自查")
    assert error.guard == "city_is_told"
    assert "市统计局" in str(error)
    desk.do("report_up", "openness_office", recipient="county_openness", medium="written")
    assert refused(desk, "verify", "section", outcome="false", basis="自查").guard == "city_is_told"
    desk.do("report_up", "openness_office", recipient="city_stats", medium="written")
    desk.verify()


# --- release checks --------------------------------------------------------------------------------------------------


def ready(desk):
    verified(desk)
    drafted(desk)
    desk.do("approve", "deputy")


GIVEN = {"kind": "final", "form": "portal_notice", "place": "门户"}


def test_nothing_is_published_unchecked(desk):
    ready(desk)
    error = refused(desk, "publish", "openness_office", **GIVEN)
    assert error.guard == "release_was_checked"
    assert "保密审查" in str(error)
    event = desk.check(period_stated="not_applicable", unit_stated="not_applicable", source_stated="not_applicable")
    assert set(event.codes) == set(CHECK_NAMES)
    desk.do("publish", "openness_office", **GIVEN)
    assert desk.case.checked_by is None


@pytest.mark.parametrize("name", list(CHECK_NAMES))
def test_each_line_of_the_checklist_must_hold(desk, name):
    ready(desk)
    assert refused(desk, "check_release", "chief", **{**TICKED, name: "no"}).guard == "checklist_holds"
    assert refused(desk, "check_release", "chief", **{k: "yes" for k in CHECK_NAMES if k != name}).guard == "payload"
    if not name.endswith("_stated"):
        assert refused(desk, "check_release", "chief", **{**TICKED, name: "not_applicable"}).guard == "payload"


def test_a_check_does_not_cover_what_is_written_later(desk):
    ready(desk)
    desk.check()
    desk.do("return", "deputy", reason="措辞再改")
    desk.do("draft", "openness_office", "zhang", kind="final", text="二稿")
    assert refused(desk, "check_release", "chief", **TICKED).guard == "state"
    desk.do("submit", "openness_office", "zhang")
    desk.do("approve", "deputy")
    assert refused(desk, "publish", "openness_office", **GIVEN).guard == "release_was_checked"


def test_there_must_be_something_to_check(desk):
    verified(desk)
    assert refused(desk, "check_release", "deputy", **TICKED).guard == "something_is_to_be_published"


def test_who_publishes_a_result_did_not_check_it(desk):
    desk.answered("true")
    desk.do("plan", "section", measures="补登", unit="social", due_day="2026-12-04")
    desk.check("monitor", "li")
    notice = {"form": "portal_notice", "place": "门户"}
    assert refused(desk, "result_notice", "openness_office", "li", **notice).guard == "release_was_checked"
    desk.do("result_notice", "openness_office", "zhang", **notice)


# --- rounds, corrections, adoption -----------------------------------------------------------------------------------


def test_an_update_follows_a_final_answer(desk):
    verified(desk)
    assert refused(desk, "draft", "openness_office", kind="update", text="稿").guard == "update_follows_final"
    desk.approved()
    desk.publish()
    desk.approved("update")
    desk.publish("update")
    case = desk.case
    assert (case.rounds, case.state, case.answer) == (2, "responded", "none")


@pytest.mark.parametrize("closed", [False, True])
def test_a_wrong_answer_is_corrected_before_the_case_closes(desk, closed):
    desk.answered()
    if closed:
        desk.do("close", "openness_office")
    assert refused(desk, "correct_response", "deputy", corrects=2, reason=REASON).guard == "round_was_published"
    desk.do("correct_response", "deputy", corrects=1, reason=REASON)
    assert refused(desk, "close", "openness_office").guard == "correction_was_made"
    assert refused(desk, "correct_response", "deputy", corrects=1, reason=REASON).guard == "round_was_published"
    desk.approved()
    desk.publish()
    desk.do("close", "openness_office")
    assert (desk.case.state, desk.case.rounds, desk.case.correcting) == ("closed", 2, None)


def test_answered_claims_are_claims(desk):
    verified(desk, claims=[FACT, VIEW])
    desk.approved()
    desk.check()
    assert refused(desk, "publish", "openness_office", **GIVEN, claims_answered=["3"]).guard == "claims_are_known"
    assert desk.do("publish", "openness_office", **GIVEN, claims_answered=["2", "1"]).codes["claims_answered"] == [
        "1", "2",
    ]  # fmt: skip


@pytest.mark.parametrize("proposed", [{"claims": [IDEA]}, {"suggestion": True}, {"channel": "suggestion"}])
def test_of_a_suggestion_it_is_said_what_became_of_it(desk, proposed):
    channel = {"channel": proposed["channel"]} if "channel" in proposed else {}
    desk.confirm(**channel)
    rest = {name: value for name, value in proposed.items() if name != "channel"}
    desk.do("verify", "section", outcome="opinion_or_suggestion", basis="来信", **rest)
    desk.approved()
    desk.publish()
    assert refused(desk, "close", "openness_office").guard == "adoption_was_said"
    desk.do("adopt", "section", adoption="partly", reason="分乡镇数据待普查公报后公布")
    desk.do("close", "openness_office")


def test_a_plain_question_is_no_suggestion(desk):
    desk.answered("opinion_or_suggestion")
    assert desk.do("close", "openness_office").to_state == "closed"


def test_only_a_suggestion_is_adopted(desk):
    verified(desk)
    assert refused(desk, "adopt", "section", adoption="adopted", reason="采纳").guard == "something_was_proposed"


# --- content suspected of being illegal ------------------------------------------------------------------------------


MARK = {"content_url": "https://bbs.example.cn/space-uid-123.html?uid=77", "capture_hash": SCAN, "basis": REASON}
POLICE = {"recipient": "police", "medium": "written", "suspected_illegal": True}


def test_only_a_claim_of_fact_is_marked(desk):
    verified(desk, claims=[FACT, VIEW])
    for number in (2, 3):
        assert refused(desk, "mark_illegal", "openness_office", claim=number, **MARK).guard == "claim_is_a_fact"
    event = desk.do("mark_illegal", "openness_office", claim=1, **MARK)
    assert "77" not in event.payload["content_url"]
    assert "123" not in event.payload["content_url"]


def test_two_leaders_decide_and_neither_marked_it(desk):
    verified(desk, claims=[FACT])
    assert refused(desk, "approve_illegal", "chief", reason=REASON).guard == "mark_is_made"
    desk.do("mark_illegal", "openness_office", "li", claim=1, **MARK)
    assert refused(desk, "refer", "openness_office", **POLICE).guard == "handing_over_is_decided"
    assert refused(desk, "approve_illegal", "deputy", "li", reason=REASON).guard == "approvers_differ"
    desk.do("approve_illegal", "deputy", "wang", reason=REASON)
    assert refused(desk, "refer", "openness_office", **POLICE).guard == "handing_over_is_decided"
    assert refused(desk, "approve_illegal", "chief", "wang", reason=REASON).guard == "approvers_differ"
    assert refused(desk, "approve_illegal", "deputy", "zhao", reason=REASON).guard == "approvers_differ"
    desk.do("approve_illegal", "chief", "zhao", reason=REASON)
    given = {**POLICE, "recipient": "other_body"}
    assert refused(desk, "refer", "openness_office", **given).guard == "handing_over_is_decided"
    desk.do("refer", "openness_office", **POLICE)
    assert desk.case.state == "verified"
    assert refused(desk, "close", "openness_office").guard == "answer_was_given", "the normal answer is still due"


def test_a_new_mark_is_decided_anew(desk):
    verified(desk, claims=[FACT])
    for _ in range(2):
        desk.do("mark_illegal", "openness_office", claim=1, **MARK)
        assert desk.case.illegal_approved == ()
        desk.do("approve_illegal", "deputy", reason=REASON)
        desk.do("approve_illegal", "chief", reason=REASON)
        assert refused(desk, "approve_illegal", "chief", "x", reason=REASON).guard == "approvers_differ"


# --- plans, receipts, waves, publications -----------------------------------------------------------------------------


def test_only_what_is_true_is_put_right(desk):
    verified(desk)
    plan = {"measures": "补登", "unit": "social", "due_day": "2026-12-04"}
    assert refused(desk, "plan", "section", **plan).guard == "result_is_owed"
    assert refused(desk, "progress", "section", text="进展").guard == "plan_is_under_way"


def test_a_plan_is_accepted_once_and_another_may_follow(desk):
    desk.answered("partly_true")
    plan = {"measures": "补登", "unit": "social", "due_day": "2026-12-04"}
    desk.do("plan", "section", **plan)
    desk.do("plan_done", "openness_office", evidence="台账")
    assert refused(desk, "plan_done", "openness_office", evidence="台账").guard == "plan_is_under_way"
    desk.do("plan", "section", **plan)
    assert refused(desk, "close", "openness_office").guard == "plan_was_kept"


def test_a_receipt_is_for_one_hand_off_and_not_before_it(desk):
    desk.confirm()
    early = desk.at.isoformat()
    sent = desk.do("report_up", "openness_office", recipient="city_stats", medium="fax")
    given = {"hand_off": sent.sequence, "receipt_at": early}
    assert refused(desk, "receipt", "monitor", **given).guard == "receipt_is_awaited"
    assert refused(desk, "receipt", "monitor", **{**given, "hand_off": 1}).guard == "receipt_is_awaited"
    desk.do("receipt", "monitor", hand_off=str(sent.sequence), receipt_at=desk.at.isoformat(), receipt_role="值班室")
    assert desk.case.awaiting_receipt == frozenset()


def test_a_second_wave_begins_anew_and_keeps_what_is_known(desk):
    desk.answered()
    desk.do("report_up", "openness_office", recipient="city_stats", medium="fax")
    desk.do("close", "openness_office")
    desk.do("second_wave", "monitor", reason="澄清后出现新的说法，转发再起")
    case = desk.case
    assert (case.state, case.reopened, case.outcome, case.rounds, case.opinions) == ("detected", 1, None, 1, 0)
    assert (case.level, len(case.awaiting_receipt)) == ("general", 1)
    assert refused(desk, "second_wave", "monitor", reason="澄清后出现新的说法，转发再起").guard == "state"


def test_publications_are_noted_by_the_desk(register):
    given = {"item": "gongbao", "period": "2025", "published_on": "2026-11-20", "url": "https://www.example.gov.cn/1"}
    event = act(register, None, "publication_noted", Actor("monitor", "m"), given, START)
    assert (event.subject, event.codes["published_on"]) == ("publications", "2026-11-20")
    act(
        register, None, "publication_noted", Actor("openness_office", "o"), {"item": "gongbao", "period": "2025"}, START
    )
    with pytest.raises(RoleError):
        act(register, None, "publication_noted", Actor("deputy", "d"), given, START)
    with pytest.raises(GuardError):
        act(register, None, "publication_noted", Actor("monitor", "m"), {"item": "gongbao"}, START)


def test_the_auditor_still_only_looks(desk):
    desk.answered()
    assert allowed(desk.case, "auditor") == ()
