WITH months AS (
    SELECT
        CAST(unnest(generate_series(CAST($first AS DATE), CAST($day AS DATE), INTERVAL 1 MONTH)) AS DATE) AS first
),
releases AS (
    SELECT DISTINCT indicator, topic, first_day, last_day
    FROM marts.release_calendar
    WHERE day BETWEEN CAST($first AS DATE) AND CAST($day AS DATE)
),
run AS (
    SELECT DISTINCT CAST(date_trunc('month', day) AS DATE) AS first
    FROM marts.daily_summary
    WHERE day BETWEEN CAST($first AS DATE) AND CAST($day AS DATE)
),
issues AS (
    SELECT
        issue_no,
        is_own,
        CAST(date_trunc('month', detected_at AT TIME ZONE 'Asia/Shanghai') AS DATE) AS first,
        EXISTS (
            SELECT 1
            FROM releases
            WHERE
                releases.topic = found.topic
                AND CAST(found.detected_at AT TIME ZONE 'Asia/Shanghai' AS DATE) BETWEEN
                releases.first_day - INTERVAL 1 DAY * $season_days AND releases.last_day + INTERVAL 1 DAY * $season_days
        ) AS near_release
    FROM marts.review_issues AS found
    WHERE found.day = $day AND found.period = $period
)
SELECT
    $period AS period,
    strftime(months.first, '%Y-%m') AS month,
    CASE WHEN any_value(run.first) IS NOT NULL THEN (
        SELECT count(*)
        FROM (SELECT DISTINCT indicator, first_day FROM releases) AS days
        WHERE date_trunc('month', days.first_day) = months.first
    ) END AS releases,
    CASE WHEN any_value(run.first) IS NOT NULL THEN count(issues.issue_no) END AS issues,
    CASE WHEN any_value(run.first) IS NOT NULL THEN count(*) FILTER (WHERE issues.is_own) END AS issues_own,
    CASE WHEN any_value(run.first) IS NOT NULL THEN count(*) FILTER (WHERE issues.near_release) END AS near_release,
    $as_of AS as_of,
    $rule_version AS rule_version
FROM months
LEFT JOIN run ON run.first = months.first
LEFT JOIN issues ON issues.first = months.first
GROUP BY months.first
