-- What was said until the moment, with how fast the issue was found, reported and answered.
WITH issues AS (
    SELECT issue_no, title, first_published_at
    FROM graded.issues
    WHERE day <= $day
    QUALIFY row_number() OVER (PARTITION BY issue_no ORDER BY day DESC) = 1
)
SELECT
    row_number() OVER (ORDER BY alerts.alerted_at DESC, alerts.alert_id) AS seq,
    alerts.alert_id,
    alerts.kind,
    alerts.issue_no,
    alerts.key,
    issues.title,
    topics.name AS topic_name,
    alerts.level_before,
    alerts.level,
    alerts.reason,
    alerts.basis,
    alerts.since,
    issues.first_published_at,
    alerts.detected_at,
    alerts.alerted_at,
    alerts.deliver_at,
    alerts.muted,
    log.found_hours,
    round((epoch(alerts.deliver_at) - epoch(alerts.detected_at)) / 3600, 2) AS warned_hours,
    log.reported_hours,
    log.answered_hours,
    $as_of AS as_of,
    $rule_version AS rule_version
FROM graded.alerts AS alerts
LEFT JOIN issues ON issues.issue_no = alerts.issue_no
LEFT JOIN marts.daily_log AS log ON log.day = $day AND log.issue_no = alerts.issue_no
LEFT JOIN ops.topics AS topics ON topics.day = $day AND topics.topic = alerts.topic
WHERE alerts.day = $day AND alerts.as_of <= $as_of
