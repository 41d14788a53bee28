WITH divided AS (
    SELECT period, 'level' AS dimension, level AS item, NULL AS name, first_response_hours
    FROM marts.review_issues
    WHERE (day = $day AND period = $period) OR (day = $before_last AND period = $before)
    UNION ALL
    SELECT period, 'topic' AS dimension, topic AS item, topic_name AS name, first_response_hours
    FROM marts.review_issues
    WHERE (day = $day AND period = $period) OR (day = $before_last AND period = $before)
    UNION ALL
    SELECT period, 'source_class' AS dimension, source_class AS item, NULL AS name, first_response_hours
    FROM marts.review_issues
    WHERE (day = $day AND period = $period) OR (day = $before_last AND period = $before)
),
counted AS (
    SELECT
        dimension,
        item,
        max(name) AS name,
        count(*) FILTER (WHERE period = $period) AS issues,
        count(*) FILTER (WHERE period = $before) AS before,
        count(first_response_hours) FILTER (WHERE period = $period) AS answered,
        median(first_response_hours) FILTER (WHERE period = $period) AS median_hours,
        quantile_cont(first_response_hours, 0.9) FILTER (WHERE period = $period) AS p90_hours
    FROM divided
    GROUP BY dimension, item
)
SELECT
    $period AS period,
    CAST($first AS DATE) AS period_start,
    CAST($day AS DATE) AS period_end,
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
FROM counted, (
    SELECT count(*) > 0 AS is_known
    FROM marts.daily_summary
    WHERE day BETWEEN CAST($before_first AS DATE) AND CAST($before_last AS DATE)
) AS known
