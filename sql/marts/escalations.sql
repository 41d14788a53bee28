-- An issue stays on the list, whatever day it was found, until nothing is owed any more.
WITH log AS (
    SELECT *
    FROM marts.daily_log
    WHERE day <= $day
    QUALIFY row_number() OVER (PARTITION BY issue_no ORDER BY day DESC) = 1
),
first_due AS (
    SELECT *, count(*) FILTER (WHERE stage IN ('overdue', 'supervise', 'chief')) OVER (PARTITION BY issue_no) AS overdue_duties
    FROM marts.deadlines
    WHERE day = $day AND done_at IS NULL
    QUALIFY row_number() OVER (PARTITION BY issue_no ORDER BY coalesce(extended_to, due_at) NULLS LAST, duty) = 1
),
-- A receipt that came later gave its hand-off a second row.
hand_offs AS (
    SELECT *
    FROM cases.hand_offs
    WHERE day <= $day AND sent_at <= $as_of
    QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY day DESC) = 1
),
told AS (
    SELECT
        issue_no,
        list(DISTINCT recipient ORDER BY recipient) AS reported_to,
        max(receipt_at) AS receipt_at,
        list(DISTINCT recipient ORDER BY recipient) FILTER (WHERE receipt_at IS NULL) AS awaiting_receipt
    FROM hand_offs
    GROUP BY issue_no
),
listed AS (
    SELECT
        log.*,
        log.day = $day AS is_of_today,
        -- Without a snapshot of the cases nobody is known to have acted.
        coalesce(cases.state, 'detected') AS state,
        cases.confirmed_level AS level_by_person,
        -- As cases.cases and the log have it: what a person confirmed, otherwise the standing level (graded.issue_levels).
        coalesce(cases.level, log.level_in_force) AS level,
        coalesce(cases.response_value, log.response_value) AS response_value_in_force,
        coalesce(cases.sensitive, log.sensitive) AS sensitive_in_force,
        log.needs_review AND cases.confirmed_level IS NULL AS still_needs_review,
        coalesce(cases.is_open, FALSE) AS is_waiting,
        cases.unit,
        cases.next_event,
        cases.next_role
    FROM log
    LEFT JOIN cases.cases AS cases ON cases.day = $day AND cases.issue_no = log.issue_no
)
SELECT
    row_number() OVER (
        ORDER BY
            CASE listed.level
                WHEN 'extreme' THEN 1 WHEN 'major' THEN 2 WHEN 'larger' THEN 3
                WHEN 'general' THEN 4 WHEN 'log_only' THEN 5 WHEN 'context' THEN 6 ELSE 7
            END,
            listed.total DESC,
            listed.issue_no
    ) AS seq,
    listed.issue_no,
    listed.level,
    listed.title,
    listed.topic_name,
    listed.detected_at,
    listed.total,
    listed.overrides,
    listed.response_value_in_force AS response_value,
    listed.sensitive_in_force AS sensitive,
    listed.still_needs_review AS needs_review,
    CASE listed.level WHEN 'extreme' THEN 'chief' WHEN 'major' THEN 'chief' WHEN 'larger' THEN 'deputy' END
        AS report_to,
    listed.owner_unit,
    listed.competent_body,
    listed.suggestion,
    listed.explanation,
    listed.url,
    listed.state,
    listed.level_by_person AS confirmed_level,
    listed.unit,
    first_due.duty,
    first_due.due_at,
    first_due.extended_to,
    first_due.hours_left,
    first_due.overdue_hours,
    first_due.stage,
    coalesce(first_due.overdue_duties, 0) AS overdue_duties,
    coalesce(first_due.next_event, listed.next_event) AS next_action,
    coalesce(first_due.next_role, listed.next_role) AS next_actor_role,
    first_due.who,
    first_due.basis AS rule_ref,
    coalesce(told.reported_to, []) AS reported_to,
    told.receipt_at,
    coalesce(told.awaiting_receipt, []) AS awaiting_receipt,
    $as_of AS as_of,
    listed.rule_version
FROM listed
LEFT JOIN first_due ON first_due.issue_no = listed.issue_no
LEFT JOIN told ON told.issue_no = listed.issue_no
WHERE
    (
        listed.is_waiting
        OR listed.is_of_today AND listed.state NOT IN ('closed', 'logged_only', 'duplicate', 'out_of_scope')
    )
    -- A plain issue that owes no answer only waits to be confirmed: it is in marts.deadlines, not here.
    AND (
        listed.level IN ('larger', 'major', 'extreme', 'refer_out')
        OR listed.response_value_in_force IN ('must', 'should')
        OR listed.still_needs_review
        OR listed.state <> 'detected'
    )
