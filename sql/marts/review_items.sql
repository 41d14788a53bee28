-- A duty counts in the month in which it falls due, done or not, and in no other; what has no due time counts in the
-- month in which it happened. What cannot be known is not counted as missed.
WITH period AS (
    SELECT
        CAST(date_trunc('month', CAST($day AS DATE)) AS DATE) AS first,
        CAST($day AS DATE) AS last,
        CAST(date_trunc('month', CAST($day AS DATE)) AS TIMESTAMP) AT TIME ZONE 'Asia/Shanghai' AS starts,
        least(CAST(CAST($day AS DATE) + INTERVAL 1 DAY AS TIMESTAMP) AT TIME ZONE 'Asia/Shanghai', $as_of) AS ends
),
-- How each case stood last; one that was opened again has a row for each time.
rounds AS (
    SELECT
        *,
        coalesce(unit, 'unassigned') AS assigned,
        issue_no || ' ' || strftime(started_at AT TIME ZONE 'Asia/Shanghai', '%Y-%m-%dT%H:%M:%S') AS item
    FROM cases.cases
    WHERE day <= $day AND as_of <= $as_of
    QUALIFY row_number() OVER (PARTITION BY issue_no, started_at ORDER BY day DESC) = 1
),
duties AS (
    SELECT
        rounds.issue_no,
        rounds.item,
        rounds.assigned,
        rounds.level,
        rounds.state,
        rounds.closed_at,
        due.duty,
        due.due_at,
        due.done_at,
        (epoch(due.due_at) - epoch(due.started_at)) / 3600 AS limit_hours,
        rounds.day = max(rounds.day) OVER (PARTITION BY rounds.issue_no) AS is_last_round,
        -- Otherwise nobody looked again after it fell due.
        due.done_at IS NOT NULL OR due.due_at <= due.as_of AS is_known
    FROM rounds
    INNER JOIN cases.due AS due
        ON due.day = rounds.day AND due.issue_no = rounds.issue_no AND due.started_at = rounds.started_at
),
duties_due AS (
    SELECT duties.*, coalesce(duties.done_at <= duties.due_at, FALSE) AS in_time
    FROM duties
    INNER JOIN period ON duties.due_at > period.starts AND duties.due_at <= period.ends
    WHERE duties.is_known
),
steps AS (
    SELECT
        events.*,
        lead(events.event) OVER (PARTITION BY events.issue_no, events.event IN ('submit', 'return') ORDER BY sequence)
            AS next_of_review,
        lead(events.event) OVER (PARTITION BY events.issue_no, events.event IN ('close', 'reopen', 'second_wave') ORDER BY sequence)
            AS next_of_closing
    FROM cases.events AS events
    WHERE events.issue_no IS NOT NULL AND events.at <= $as_of
),
days AS (
    SELECT DISTINCT CAST(unnest(generate_series(period.first - INTERVAL 4 DAY, period.last, INTERVAL 1 DAY)) AS DATE) AS day
    FROM period
),
days_of_use AS (
    SELECT
        days.day,
        CAST(days.day AS TIMESTAMP) AT TIME ZONE 'Asia/Shanghai' AS starts,
        -- Signed by 09:30 of the next working day; weekends are known here, holidays only to the register.
        CAST(
            days.day
            + INTERVAL 1 DAY * CASE isodow(days.day) WHEN 5 THEN 3 WHEN 6 THEN 2 ELSE 1 END
            + INTERVAL 570 MINUTE AS TIMESTAMP
        ) AT TIME ZONE 'Asia/Shanghai' AS log_due_at
    FROM days
    WHERE days.day >= (SELECT min(day) FROM marts.daily_summary)
),
signed AS (
    SELECT log_day, min(decided_at) AS signed_at
    FROM cases.events AS events
    WHERE events.event = 'log_signed' AND events.at <= $as_of
    GROUP BY log_day
),
items AS (
    SELECT duty || '_on_time' AS figure, item, issue_no, assigned, level, in_time AS hit, NULL AS hours, due_at, done_at
    FROM duties_due
    UNION ALL BY NAME
    SELECT
        CASE WHEN limit_hours <= 5 THEN 'respond_5h' WHEN limit_hours <= 24 THEN 'respond_24h' ELSE 'respond_48h' END
            AS figure,
        item, issue_no, assigned, level, in_time AS hit, due_at, done_at
    FROM duties_due
    WHERE duty = 'respond' AND limit_hours <= 48
    UNION ALL BY NAME
    SELECT
        'closed' AS figure,
        item, issue_no, assigned, level,
        coalesce(any_value(closed_at) <= any_value(period.ends), FALSE) AS hit,
        max(due_at) AS due_at,
        any_value(closed_at) AS done_at
    FROM duties, period
    WHERE duty IN ('verify', 'respond', 'respond_final') AND state NOT IN ('logged_only', 'duplicate', 'out_of_scope')
    GROUP BY item, issue_no, assigned, level
    HAVING max(due_at) > any_value(period.starts) AND max(due_at) <= any_value(period.ends) AND bool_and(is_known)
    UNION ALL BY NAME
    SELECT 'open_overdue' AS figure, item || ' ' || duty AS item, issue_no, assigned, level, TRUE AS hit, due_at
    FROM duties, period
    WHERE is_last_round AND done_at IS NULL AND due_at <= period.ends
    UNION ALL BY NAME
    SELECT 'duties_unknown' AS figure, item, issue_no, assigned, level, TRUE AS hit
    FROM duties
    WHERE is_last_round AND duty = 'unknown'
    UNION ALL BY NAME
    SELECT 'level_agreed' AS figure, item, issue_no, assigned, level, system_level = confirmed_level AS hit
    FROM rounds, period
    WHERE
        system_level IS NOT NULL AND confirmed_level IS NOT NULL
        AND confirmed_at > period.starts AND confirmed_at <= period.ends
    UNION ALL BY NAME
    SELECT
        'first_response' AS figure, item, issue_no, assigned, level, TRUE AS hit,
        round((epoch(first_published_at) - epoch(started_at)) / 3600, 2) AS hours, first_published_at AS done_at
    FROM rounds, period
    WHERE first_published_at > period.starts AND first_published_at <= period.ends
    UNION ALL BY NAME
    SELECT
        CASE WHEN outcome IN ('true', 'partly_true') THEN 'result_told' ELSE 'clarified' END AS figure,
        item, issue_no, assigned, level,
        CASE WHEN outcome IN ('true', 'partly_true') THEN result_notice_at ELSE final_published_at END IS NOT NULL AS hit
    FROM rounds, period
    WHERE
        outcome IN ('true', 'partly_true', 'false', 'misunderstanding')
        AND verified_at > period.starts AND verified_at <= period.ends
    UNION ALL BY NAME
    SELECT
        CASE steps.event WHEN 'submit' THEN 'returned' ELSE 'reopened' END AS figure,
        steps.event_id AS item,
        steps.issue_no,
        coalesce(cases.unit, 'unassigned') AS assigned,
        cases.level,
        coalesce(CASE steps.event WHEN 'submit' THEN next_of_review = 'return' ELSE next_of_closing IN ('reopen', 'second_wave') END, FALSE)
            AS hit
    FROM steps
    INNER JOIN period ON steps.decided_at > period.starts AND steps.decided_at <= period.ends
    LEFT JOIN (
        SELECT issue_no, unit, level FROM rounds QUALIFY row_number() OVER (PARTITION BY issue_no ORDER BY day DESC) = 1
    ) AS cases ON cases.issue_no = steps.issue_no
    WHERE steps.event IN ('submit', 'close')
    UNION ALL BY NAME
    SELECT 'found_in_time' AS figure, issue_no AS item, issue_no, coalesce(unit, 'unassigned') AS assigned, level,
        found_in_time AS hit
    FROM marts.review_issues
    WHERE day = $day AND is_own AND found_in_time IS NOT NULL
    UNION ALL BY NAME
    SELECT 'sources_checked' AS figure, source_id || ' ' || day AS item, status IN ('ok', 'silent') AS hit
    FROM marts.source_health, period
    WHERE day BETWEEN period.first AND period.last
    UNION ALL BY NAME
    SELECT
        'days_run' AS figure,
        CAST(days_of_use.day AS VARCHAR) AS item,
        EXISTS (SELECT 1 FROM marts.daily_summary AS summary WHERE summary.day = days_of_use.day) AS hit
    FROM days_of_use, period
    WHERE days_of_use.day >= period.first AND days_of_use.starts < period.ends
    UNION ALL BY NAME
    SELECT
        'log_signed' AS figure, CAST(days_of_use.day AS VARCHAR) AS item, signed.signed_at IS NOT NULL AS hit,
        log_due_at AS due_at, signed.signed_at AS done_at
    FROM days_of_use
    INNER JOIN period ON log_due_at > period.starts AND log_due_at <= period.ends
    LEFT JOIN signed ON signed.log_day = days_of_use.day
)
SELECT
    period.first AS period_start,
    period.last AS period_end,
    items.figure,
    items.item,
    items.issue_no,
    items.assigned AS unit,
    items.level,
    items.hit,
    items.hours,
    items.due_at,
    items.done_at,
    $as_of AS as_of,
    $rule_version AS rule_version
FROM items, period
