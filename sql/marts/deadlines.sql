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
        coalesce(due.extended_to, due.due_at) AS end_at,
        -- Figures keep the original due time, whatever was extended.
        (epoch(coalesce(due.done_at, $as_of)) - epoch(due.due_at)) / 3600 AS hours_over
    FROM cases.due AS due
    INNER JOIN cases.cases AS cases ON cases.day = due.day AND cases.issue_no = due.issue_no
    WHERE due.day = $day
),
staged AS (
    SELECT
        *,
        CASE
            WHEN done_at IS NOT NULL THEN 'done'
            WHEN due_at IS NULL THEN 'unknown'
            WHEN $as_of > end_at AND $as_of >= chief_at THEN 'chief'
            WHEN $as_of > end_at AND $as_of >= supervise_at THEN 'supervise'
            WHEN $as_of > end_at THEN 'overdue'
            WHEN $as_of >= late_at THEN 'late'
            WHEN $as_of >= half_at THEN 'half'
            ELSE 'none'
        END AS stage
    FROM counted
)
SELECT
    staged.issue_no,
    staged.duty,
    titles.title,
    staged.level,
    staged.state,
    titles.owner_unit,
    staged.unit,
    staged.started_at,
    staged.due_at,
    staged.extended_to,
    staged.basis,
    staged.done_at,
    CASE WHEN staged.done_at IS NULL THEN round((epoch(staged.end_at) - epoch($as_of)) / 3600, 2) END AS hours_left,
    staged.stage,
    CASE WHEN staged.hours_over > 0 THEN round(staged.hours_over, 2) END AS overdue_hours,
    staged.report_to,
    staged.next_event,
    staged.next_role,
    CASE
        WHEN staged.stage IN ('half', 'late') THEN staged.next_role
        WHEN staged.stage = 'overdue' THEN 'deputy'
        WHEN staged.stage = 'supervise' THEN 'section'
        WHEN staged.stage = 'chief' THEN 'chief'
    END AS who,
    $as_of AS as_of
FROM staged
LEFT JOIN titles ON titles.issue_no = staged.issue_no
