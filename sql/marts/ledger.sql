-- One row per issue as it stands; what is counted and timed is of the register, the rest of the latest log.
WITH log AS (
    SELECT *
    FROM marts.daily_log
    WHERE day <= $day
    QUALIFY row_number() OVER (PARTITION BY issue_no ORDER BY day DESC) = 1
),
cases AS (
    SELECT *, state IN ('closed', 'logged_only', 'duplicate', 'out_of_scope') AS is_over
    FROM cases.cases
    WHERE day = $day
),
steps AS (
    SELECT
        events.issue_no,
        max(events.decided_at) FILTER (WHERE events.event = 'assign' AND events.is_of_round) AS assigned_at,
        max(events.decided_at) FILTER (WHERE events.event = 'submit' AND events.is_of_round) AS submitted_at,
        max(events.decided_at) FILTER (WHERE events.event = 'approve' AND events.is_of_round) AS approved_at,
        count(*) FILTER (WHERE events.event = 'supervise') AS supervisions,
        count(*) FILTER (WHERE events.event = 'return') AS returns,
        arg_min(events.registered_by, events.sequence) AS recorder_role,
        arg_max(events.role, events.sequence) FILTER (WHERE events.event = 'approve') AS reviewer_role
    FROM (
        SELECT all_events.*, all_events."at" >= cases.started_at AS is_of_round
        FROM cases.events AS all_events
        INNER JOIN cases ON cases.issue_no = all_events.issue_no
        WHERE all_events.day <= $day AND all_events."at" <= $as_of
    ) AS events
    GROUP BY events.issue_no
),
published AS (
    SELECT
        issue_no,
        list(url ORDER BY round_no) FILTER (WHERE url IS NOT NULL) AS urls,
        list(DISTINCT form ORDER BY form) AS forms
    FROM cases.responses
    WHERE day <= $day AND registered_at <= $as_of
    GROUP BY issue_no
),
told AS (
    SELECT issue_no, list(DISTINCT recipient ORDER BY recipient) AS recipients
    FROM cases.hand_offs
    WHERE day <= $day AND sent_at <= $as_of
    GROUP BY issue_no
),
-- A case that is over shows no open duty any more; what it had missed by then stays missed. One that was opened again
-- starts anew, and a duty that a lower level no longer asks for is not owed.
duties AS (
    SELECT
        due.issue_no,
        due.duty,
        due.due_at,
        due.done_at,
        coalesce(due.extended_to, due.due_at) AS end_at,
        due.day = $day AS is_of_today,
        CASE WHEN due.day = $day THEN $as_of ELSE coalesce(cases.closed_at, due.as_of) END AS seen_until
    FROM cases.due AS due
    INNER JOIN cases ON cases.issue_no = due.issue_no AND due.as_of >= cases.started_at
    WHERE due.day <= $day AND (due.day = $day OR cases.is_over)
    QUALIFY row_number() OVER (PARTITION BY due.issue_no, due.duty ORDER BY due.day DESC) = 1
),
judged AS (
    SELECT
        *,
        CASE WHEN done_at IS NOT NULL THEN done_at <= due_at WHEN due_at < seen_until THEN FALSE END AS on_time,
        (epoch(coalesce(done_at, seen_until)) - epoch(due_at)) / 3600 AS hours_over,
        is_of_today AND done_at IS NULL AS is_owed
    FROM duties
),
kept AS (
    SELECT
        issue_no,
        any_value(due_at) FILTER (WHERE duty = 'respond') AS respond_due_at,
        any_value(on_time) FILTER (WHERE duty = 'confirm') AS confirm_on_time,
        any_value(on_time) FILTER (WHERE duty = 'report_inside') AS report_inside_on_time,
        any_value(on_time) FILTER (WHERE duty = 'report_up') AS report_up_on_time,
        any_value(on_time) FILTER (WHERE duty = 'refer') AS refer_on_time,
        any_value(on_time) FILTER (WHERE duty = 'verify') AS verify_on_time,
        any_value(on_time) FILTER (WHERE duty = 'respond') AS respond_on_time,
        any_value(on_time) FILTER (WHERE duty = 'respond_final') AS respond_final_on_time,
        any_value(on_time) FILTER (WHERE duty = 'rectify') AS rectify_on_time,
        round(max(hours_over) FILTER (WHERE hours_over > 0), 2) AS overdue_hours
    FROM judged
    GROUP BY issue_no
),
owed AS (
    SELECT issue_no, duty, end_at
    FROM judged
    WHERE is_owed
    QUALIFY row_number() OVER (PARTITION BY issue_no ORDER BY end_at NULLS LAST, duty) = 1
)
SELECT
    cases.issue_no,
    cases.detected_at,
    log.title,
    log.summary,
    log.source_name,
    log.source_class,
    log.media_tier,
    log.url,
    log.first_published_at,
    log.topic,
    log.topic_name,
    log.jurisdiction,
    log.stance,
    log.tone,
    log.posts,
    log.views,
    log.reposts,
    log.comments,
    cases.system_level,
    cases.confirmed_level,
    cases.level,
    log.total,
    coalesce(log.overrides, []) AS overrides,
    log.explanation,
    log.key_category,
    cases.response_value,
    cases.sensitive,
    log.owner_unit,
    log.competent_body,
    log.suggestion,
    cases.channel,
    cases.state,
    cases.is_open,
    cases.unit,
    cases.accused_unit,
    cases.parent,
    cases.reason_code,
    cases.outcome,
    CASE
        WHEN cases.outcome IN ('false', 'misunderstanding') THEN 'clarify'
        WHEN cases.outcome IN ('true', 'partly_true') THEN 'rectify'
    END AS remedy,
    cases.adoption,
    cases.opinions,
    cases.confirmed_at,
    cases.reported_inside_at,
    cases.reported_up_at,
    steps.assigned_at,
    cases.verified_at,
    steps.submitted_at,
    steps.approved_at,
    cases.first_published_at AS first_response_at,
    cases.final_published_at AS final_response_at,
    cases.plan_due,
    cases.plan_done_at,
    cases.result_notice_at,
    cases.closed_at,
    cases.last_event_at,
    coalesce(published.forms, []) AS response_forms,
    coalesce(published.urls, []) AS response_urls,
    coalesce(told.recipients, []) AS reported_to,
    cases.awaiting_receipt,
    kept.respond_due_at,
    owed.duty AS next_duty,
    owed.end_at AS next_due_at,
    kept.confirm_on_time,
    kept.report_inside_on_time,
    kept.report_up_on_time,
    kept.refer_on_time,
    kept.verify_on_time,
    kept.respond_on_time,
    kept.respond_final_on_time,
    kept.rectify_on_time,
    kept.overdue_hours,
    coalesce(steps.supervisions, 0) AS supervisions,
    coalesce(steps.returns, 0) AS returns,
    cases.reopened,
    cases.rounds,
    steps.recorder_role,
    steps.reviewer_role,
    cases.events,
    $as_of AS as_of,
    cases.rule_version
FROM cases
LEFT JOIN log ON log.issue_no = cases.issue_no
LEFT JOIN steps ON steps.issue_no = cases.issue_no
LEFT JOIN published ON published.issue_no = cases.issue_no
LEFT JOIN told ON told.issue_no = cases.issue_no
LEFT JOIN kept ON kept.issue_no = cases.issue_no
LEFT JOIN owed ON owed.issue_no = cases.issue_no
