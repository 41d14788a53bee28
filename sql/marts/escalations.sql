SELECT
    row_number() OVER (ORDER BY seq) AS seq,
    issue_no,
    coalesce(confirmed_level, system_level) AS level,
    title,
    topic_name,
    detected_at,
    total,
    overrides,
    response_value,
    sensitive,
    needs_review,
    CASE coalesce(confirmed_level, system_level)
        WHEN 'extreme' THEN 'chief' WHEN 'major' THEN 'chief' WHEN 'larger' THEN 'deputy'
    END AS report_to,
    owner_unit,
    competent_body,
    suggestion,
    explanation,
    url,
    as_of,
    rule_version
FROM marts.daily_log
WHERE
    day = $day
    AND (
        coalesce(confirmed_level, system_level) IN ('larger', 'major', 'extreme', 'refer_out')
        OR response_value IN ('must', 'should')
        OR needs_review
    )
