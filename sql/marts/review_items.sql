-- A duty counts in the period in which it falls due, done or not; what has no due time counts in the period in which
-- it happened. What cannot be known is not counted as missed.
WITH period AS (
    SELECT
        CAST($first AS DATE) AS first,
        CAST($day AS DATE) AS last,
        CAST(CAST($first AS DATE) AS TIMESTAMP) AT TIME ZONE 'Asia/Shanghai' AS starts,
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
        due.done_at IS NOT NULL OR due.due_at <= due.as_of AS is_known,
        due.as_of AS looked_at
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
-- A case is to be closed some days after the last thing it owes: its answer is watched for so long.
closings AS (
    SELECT
        item, issue_no, assigned, level,
        max(due_at) + INTERVAL 1 DAY * $close_days AS due_at,
        any_value(closed_at) AS closed_at
    FROM duties
    WHERE
        duty IN ('verify', 'respond', 'respond_final', 'rectify')
        AND state NOT IN ('logged_only', 'duplicate', 'out_of_scope')
    GROUP BY item, issue_no, assigned, level
    HAVING
        bool_and(is_known)
        AND (any_value(closed_at) IS NOT NULL OR max(due_at) + INTERVAL 1 DAY * $close_days <= max(looked_at))
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
latest AS (
    SELECT issue_no, unit, level FROM rounds QUALIFY row_number() OVER (PARTITION BY issue_no ORDER BY day DESC) = 1
),
-- The latest word on a suggestion, in the round of its case in which it was said.
adoptions AS (
    SELECT rounds.issue_no, rounds.started_at, steps.decided_at
    FROM steps
    INNER JOIN rounds ON rounds.issue_no = steps.issue_no AND rounds.started_at <= steps.decided_at
    WHERE steps.event = 'adopt'
    QUALIFY
        row_number() OVER (PARTITION BY steps.event_id ORDER BY rounds.started_at DESC) = 1
        AND row_number() OVER (PARTITION BY rounds.issue_no, rounds.started_at ORDER BY steps.sequence DESC) = 1
),
-- Whether talk rose again after the first answer: a person said so, or the count of its 72 hours is over.
watched AS (
    SELECT
        rounds.item, rounds.issue_no, rounds.assigned, rounds.level,
        rounds.first_published_at + INTERVAL 72 HOUR AS watched_until,
        CASE
            WHEN EXISTS (
                SELECT 1 FROM steps
                WHERE
                    steps.issue_no = rounds.issue_no AND steps.event = 'second_wave'
                    AND steps.decided_at > rounds.first_published_at
            ) THEN TRUE
            ELSE effect.second_wave
        END AS is_wave
    FROM rounds
    LEFT JOIN (
        SELECT *
        FROM marts.response_effect
        WHERE day <= $day
        QUALIFY row_number() OVER (PARTITION BY issue_no, responded_at ORDER BY day DESC) = 1
    ) AS effect ON effect.issue_no = rounds.issue_no AND effect.responded_at = rounds.first_published_at
    WHERE rounds.first_published_at IS NOT NULL
),
publications AS (
    SELECT item, period AS owed, unit, due_on, published_on, url, day AS looked_on
    FROM marts.publications_due
    WHERE day <= $day
    QUALIFY row_number() OVER (PARTITION BY item, period ORDER BY day DESC) = 1
),
-- What an entry is for, 2026-10, 2026Q3 or 2026, as days.
entries AS (
    SELECT
        *,
        last_day(entry_first + INTERVAL 1 MONTH * CASE WHEN entry LIKE '%-%' THEN 0 WHEN entry LIKE '%Q%' THEN 2 ELSE 11 END)
            AS entry_last
    FROM (
        SELECT
            period AS entry, unit, kind, reason,
            make_date(
                CAST(left(period, 4) AS INTEGER),
                CASE
                    WHEN period LIKE '%-%' THEN CAST(right(period, 2) AS INTEGER)
                    WHEN period LIKE '%Q%' THEN 3 * CAST(right(period, 1) AS INTEGER) - 2
                    ELSE 1
                END,
                1
            ) AS entry_first
        FROM (SELECT DISTINCT period, unit, kind, reason FROM ops.assessments WHERE imported_at <= $as_of) AS entered
    ) AS dated
),
measures AS (
    SELECT *
    FROM ops.improvements
    WHERE imported_at <= $as_of
    QUALIFY row_number() OVER (PARTITION BY raised_for, measure ORDER BY imported_at DESC, row_id) = 1
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
        verdict.figure,
        closings.item, closings.issue_no, closings.assigned, closings.level,
        CASE verdict.figure
            WHEN 'closed' THEN coalesce(closings.closed_at <= period.ends, FALSE)
            ELSE coalesce(closings.closed_at <= closings.due_at, FALSE)
        END AS hit,
        closings.due_at,
        closings.closed_at AS done_at
    FROM closings
    INNER JOIN period ON closings.due_at > period.starts AND closings.due_at <= period.ends
    CROSS JOIN (VALUES ('closed'), ('closed_on_time')) AS verdict (figure)
    UNION ALL BY NAME
    SELECT 'open_overdue' AS figure, item || ' ' || duty AS item, issue_no, assigned, level, TRUE AS hit, due_at
    FROM duties, period
    WHERE is_last_round AND done_at IS NULL AND due_at <= period.ends
    UNION ALL BY NAME
    SELECT 'duties_unknown' AS figure, item, issue_no, assigned, level, TRUE AS hit
    FROM duties
    WHERE is_last_round AND duty = 'unknown'
    UNION ALL BY NAME
    SELECT 'level_agreed' AS figure, item, issue_no, assigned, level, system_level, confirmed_level,
        system_level = confirmed_level AS hit
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
    LEFT JOIN latest AS cases ON cases.issue_no = steps.issue_no
    WHERE steps.event IN ('submit', 'close')
    UNION ALL BY NAME
    SELECT 'found_in_time' AS figure, issue_no AS item, issue_no, coalesce(unit, 'unassigned') AS assigned, level,
        found_in_time AS hit
    FROM marts.review_issues
    WHERE day = $day AND period = $period AND is_own AND found_in_time IS NOT NULL
    UNION ALL BY NAME
    SELECT verdict.figure, issues.issue_no AS item, issues.issue_no, coalesce(issues.unit, 'unassigned') AS assigned,
        issues.level,
        CASE verdict.figure WHEN 'self_found' THEN NOT issues.told_by_others ELSE issues.told_by_others END AS hit
    FROM marts.review_issues AS issues
    CROSS JOIN (VALUES ('self_found'), ('missed'), ('missed_major')) AS verdict (figure)
    WHERE
        issues.day = $day AND issues.period = $period AND issues.is_own AND issues.told_by_others IS NOT NULL
        AND (verdict.figure <> 'missed_major' OR (issues.told_by_others AND issues.level IN ('major', 'extreme')))
    UNION ALL BY NAME
    SELECT 'suggestions_told' AS figure, rounds.item, rounds.issue_no, rounds.assigned, rounds.level,
        coalesce(rounds.final_published_at, rounds.result_notice_at) IS NOT NULL AS hit
    FROM rounds
    INNER JOIN adoptions ON adoptions.issue_no = rounds.issue_no AND adoptions.started_at = rounds.started_at
    INNER JOIN period ON adoptions.decided_at > period.starts AND adoptions.decided_at <= period.ends
    WHERE rounds.adoption IN ('adopted', 'partly')
    UNION ALL BY NAME
    SELECT 'second_wave' AS figure, item, issue_no, assigned, level, is_wave AS hit
    FROM watched
    INNER JOIN period ON watched.watched_until > period.starts AND watched.watched_until <= period.ends
    WHERE is_wave IS NOT NULL
    UNION ALL BY NAME
    SELECT 'urged' AS figure, steps.event_id AS item, steps.issue_no, coalesce(cases.unit, 'unassigned') AS assigned,
        cases.level, TRUE AS hit
    FROM steps
    INNER JOIN period ON steps.decided_at > period.starts AND steps.decided_at <= period.ends
    LEFT JOIN latest AS cases ON cases.issue_no = steps.issue_no
    WHERE steps.event = 'supervise'
    UNION ALL BY NAME
    SELECT 'published_on_time' AS figure, item || ' ' || owed AS item, unit AS assigned,
        coalesce(published_on <= due_on, FALSE) AS hit,
        CAST(due_on + INTERVAL 1 DAY AS TIMESTAMP) AT TIME ZONE 'Asia/Shanghai' AS due_at,
        CAST(published_on AS TIMESTAMP) AT TIME ZONE 'Asia/Shanghai' AS done_at
    FROM publications
    INNER JOIN period
        ON publications.due_on BETWEEN period.first AND period.last
        AND CAST(due_on + INTERVAL 1 DAY AS TIMESTAMP) AT TIME ZONE 'Asia/Shanghai' <= period.ends
    -- Published on a day that no page names, or not looked for since it fell due: nobody knows.
    WHERE published_on IS NOT NULL OR (url IS NULL AND looked_on >= due_on)
    UNION ALL BY NAME
    SELECT 'trainings' AS figure, held_on || ' ' || topic || ' ' || unit AS item, unit AS assigned, TRUE AS hit,
        CAST(held_on AS TIMESTAMP) AT TIME ZONE 'Asia/Shanghai' AS done_at
    FROM (SELECT DISTINCT held_on, topic, unit FROM ops.training WHERE imported_at <= $as_of) AS trainings
    INNER JOIN period ON held_on BETWEEN period.first AND period.last
    UNION ALL BY NAME
    SELECT CASE kind WHEN 'praise' THEN 'praised' WHEN 'notice' THEN 'noticed' ELSE 'deducted' END AS figure,
        entry || ' ' || unit || ' ' || reason AS item, unit AS assigned, TRUE AS hit
    FROM entries
    INNER JOIN period ON entries.entry_first >= period.first AND entries.entry_last <= period.last
    UNION ALL BY NAME
    SELECT 'improvements_on_time' AS figure, raised_for || ' ' || measure AS item, unit AS assigned,
        coalesce(done_on <= due_on, FALSE) AS hit,
        CAST(due_on + INTERVAL 1 DAY AS TIMESTAMP) AT TIME ZONE 'Asia/Shanghai' AS due_at,
        CAST(done_on AS TIMESTAMP) AT TIME ZONE 'Asia/Shanghai' AS done_at
    FROM measures
    INNER JOIN period
        ON measures.due_on BETWEEN period.first AND period.last
        AND CAST(due_on + INTERVAL 1 DAY AS TIMESTAMP) AT TIME ZONE 'Asia/Shanghai' <= period.ends
    WHERE state <> 'dropped'
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
    $period AS period,
    period.first AS period_start,
    period.last AS period_end,
    items.figure,
    items.item,
    items.issue_no,
    items.assigned AS unit,
    items.level,
    items.system_level,
    items.confirmed_level,
    items.hit,
    items.hours,
    items.due_at,
    items.done_at,
    $as_of AS as_of,
    $rule_version AS rule_version
FROM items, period
