WITH months AS (
    SELECT CAST($day AS DATE) AS last, last_day(CAST($day AS DATE) - INTERVAL 1 MONTH) AS before
),
divided AS (
    SELECT day, 'level' AS dimension, level AS item, NULL AS name, first_response_hours FROM marts.review_issues
    UNION ALL
    SELECT day, 'topic' AS dimension, topic AS item, topic_name AS name, first_response_hours FROM marts.review_issues
    UNION ALL
    SELECT day, 'source_class' AS dimension, source_class AS item, NULL AS name, first_response_hours
    FROM marts.review_issues
),
counted AS (
    SELECT
        divided.dimension,
        divided.item,
        max(divided.name) AS name,
        count(*) FILTER (WHERE divided.day = months.last) AS issues,
        count(*) FILTER (WHERE divided.day = months.before) AS before,
        count(divided.first_response_hours) FILTER (WHERE divided.day = months.last) AS answered,
        median(divided.first_response_hours) FILTER (WHERE divided.day = months.last) AS median_hours,
        quantile_cont(divided.first_response_hours, 0.9) FILTER (WHERE divided.day = months.last) AS p90_hours
    FROM divided
    INNER JOIN months ON divided.day = months.last OR divided.day = months.before
    GROUP BY divided.dimension, divided.item
)
SELECT
    CAST(date_trunc('month', months.last) AS DATE) AS period_start,
    months.last AS period_end,
    counted.dimension,
    counted.item,
    counted.name,
    counted.issues,
    round(counted.issues / nullif(sum(counted.issues) OVER (PARTITION BY counted.dimension), 0), 4) AS share,
    CASE WHEN known.is_known THEN counted.before END AS previous_issues,
    CASE
        WHEN known.is_known THEN round((counted.issues - counted.before) / nullif(counted.before, 0), 4)
    END AS change,
    counted.answered,
    round(counted.median_hours, 1) AS median_hours,
    round(counted.p90_hours, 1) AS p90_hours,
    $as_of AS as_of,
    $rule_version AS rule_version
FROM counted, months, (
    SELECT count(*) > 0 AS is_known
    FROM marts.daily_summary
    WHERE last_day(day) = last_day(CAST($day AS DATE) - INTERVAL 1 MONTH)
) AS known
