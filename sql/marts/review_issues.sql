-- An issue belongs to the period in which it was found, by Shanghai time.
WITH period AS (
    SELECT
        CAST($first AS DATE) AS first,
        CAST($day AS DATE) AS last,
        CAST(CAST($first AS DATE) AS TIMESTAMP) AT TIME ZONE 'Asia/Shanghai' AS starts,
        least(CAST(CAST($day AS DATE) + INTERVAL 1 DAY AS TIMESTAMP) AT TIME ZONE 'Asia/Shanghai', $as_of) AS ends
),
issues AS (
    SELECT *
    FROM graded.issues
    WHERE day <= $day
    QUALIFY row_number() OVER (PARTITION BY issue_no ORDER BY day DESC) = 1
),
log AS (
    SELECT *
    FROM marts.daily_log
    WHERE day <= $day
    QUALIFY row_number() OVER (PARTITION BY issue_no ORDER BY day DESC) = 1
),
cases AS (
    SELECT *
    FROM cases.cases
    WHERE day <= $day
    QUALIFY row_number() OVER (PARTITION BY issue_no ORDER BY day DESC) = 1
),
found AS (
    SELECT
        period.first,
        period.last,
        issues.*,
        log.topic_name,
        log.source_class,
        log.owner_unit,
        coalesce(cases.level, log.system_level) AS level,
        cases.confirmed_level,
        cases.state,
        cases.outcome,
        cases.unit,
        (epoch(cases.first_published_at) - epoch(cases.started_at)) / 3600 AS first_response_hours,
        (epoch(issues.detected_at) - epoch(issues.first_published_at)) / 3600 AS found_hours,
        -- A date without time may mean any moment of that day.
        CASE origin.published_precision WHEN 'day' THEN 24 WHEN 'hour' THEN 1 ELSE 0 END AS inexact_hours,
        CASE
            WHEN $told_by_others <> '' AND origin.source_id IS NOT NULL
                THEN list_contains(string_split($told_by_others, ','), origin.source_id)
        END AS told_by_others
    FROM issues
    INNER JOIN log ON log.issue_no = issues.issue_no
    INNER JOIN period ON issues.detected_at >= period.starts AND issues.detected_at < period.ends
    LEFT JOIN cases ON cases.issue_no = issues.issue_no
    LEFT JOIN graded.posts AS origin ON origin.post_id = issues.origin_post_id
)
SELECT
    $period AS period,
    first AS period_start,
    last AS period_end,
    issue_no,
    title,
    detected_at,
    first_published_at,
    round(found_hours, 2) AS found_hours,
    CASE
        WHEN found_hours <= CASE WHEN level IN ('major', 'extreme') THEN $found_hours_major ELSE $found_hours END THEN TRUE
        WHEN found_hours - inexact_hours > CASE WHEN level IN ('major', 'extreme') THEN $found_hours_major ELSE $found_hours END THEN FALSE
    END AS found_in_time,
    told_by_others,
    topic,
    topic_name,
    source_class,
    level,
    confirmed_level,
    level NOT IN ('context', 'refer_out') AND coalesce(state, 'detected') NOT IN ('duplicate', 'out_of_scope') AS is_own,
    state,
    outcome,
    unit,
    owner_unit,
    round(first_response_hours, 2) AS first_response_hours,
    $as_of AS as_of,
    $rule_version AS rule_version
FROM found
