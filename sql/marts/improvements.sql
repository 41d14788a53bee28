WITH measures AS (
    SELECT
        *,
        -- last day of what it was raised for, 2026-10, 2026Q3 or 2026
        last_day(make_date(
            CAST(left(raised_for, 4) AS INTEGER),
            CASE
                WHEN raised_for LIKE '%-%' THEN CAST(right(raised_for, 2) AS INTEGER)
                WHEN raised_for LIKE '%Q%' THEN 3 * CAST(right(raised_for, 1) AS INTEGER)
                ELSE 12
            END,
            1
        )) AS raised_on
    FROM ops.improvements
    WHERE imported_at <= $as_of
    QUALIFY row_number() OVER (PARTITION BY raised_for, measure ORDER BY imported_at DESC, row_id) = 1
)
SELECT
    $period AS period,
    raised_for,
    raised_on < CAST($first AS DATE) AS carried_over,
    measure,
    unit,
    due_on,
    CASE
        WHEN done_on > CAST($day AS DATE) OR state IN ('planned', 'running')
            THEN CASE
                WHEN due_on < least(CAST($day AS DATE), CAST($as_of AT TIME ZONE 'Asia/Shanghai' AS DATE)) THEN 'overdue'
                WHEN state = 'done' THEN 'running'
                ELSE state
            END
        ELSE state
    END AS state,
    CASE WHEN done_on <= CAST($day AS DATE) THEN done_on END AS done_on,
    $as_of AS as_of,
    $rule_version AS rule_version
FROM measures
WHERE
    raised_on <= CAST($day AS DATE)
    AND (raised_on >= CAST($first AS DATE) OR (state <> 'dropped' AND coalesce(done_on >= CAST($first AS DATE), TRUE)))
