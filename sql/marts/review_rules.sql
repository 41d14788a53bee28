WITH known AS (
    SELECT
        *,
        day = max(day) OVER (PARTITION BY rule_version) AS is_latest,
        max(day) OVER (PARTITION BY rule_version) >= CAST($first AS DATE) AS is_of_period,
        max(day) OVER () AS last_day
    FROM ops.rule_sensitivity
    WHERE day <= $day
)
SELECT
    $period AS period,
    known.rule_version AS graded_by,
    known.parameter,
    known.direction,
    known.issues,
    known.flipped,
    known.share,
    $as_of AS as_of,
    $rule_version AS rule_version
FROM known
WHERE known.is_latest AND (known.is_of_period OR known.day = known.last_day)
