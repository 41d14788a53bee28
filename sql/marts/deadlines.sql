-- Due times are computed before (caifeng/cases/deadlines.py); here they meet the moment.
WITH titles AS (
    SELECT issue_no, title, owner_unit
    FROM marts.daily_log
    WHERE day <= $day
    QUALIFY row_number() OVER (PARTITION BY issue_no ORDER BY day DESC) = 1
),
counted AS (
    SELECT
        due.*,
        cases.level,
        cases.state,
        cases.unit,
        (epoch(due.due_at) - epoch(coalesce(due.done_at, $as_of))) / 3600 AS hours
    FROM cases.due AS due
    INNER JOIN cases.cases AS cases ON cases.day = due.day AND cases.issue_no = due.issue_no
    WHERE due.day = $day
)
SELECT
    counted.issue_no,
    counted.duty,
    titles.title,
    counted.level,
    counted.state,
    titles.owner_unit,
    counted.unit,
    counted.started_at,
    counted.due_at,
    counted.basis,
    counted.done_at,
    CASE WHEN counted.done_at IS NULL THEN round(counted.hours, 2) END AS hours_left,
    CASE
        WHEN counted.done_at IS NOT NULL THEN 'done'
        WHEN counted.due_at IS NULL THEN 'unknown'
        WHEN $as_of > counted.due_at THEN 'overdue'
        WHEN $as_of >= counted.late_at THEN 'late'
        WHEN $as_of >= counted.half_at THEN 'half'
        ELSE 'none'
    END AS stage,
    CASE WHEN counted.hours < 0 THEN round(-counted.hours, 2) END AS overdue_hours,
    counted.report_to,
    counted.next_event,
    counted.next_role,
    $as_of AS as_of
FROM counted
LEFT JOIN titles ON titles.issue_no = counted.issue_no
