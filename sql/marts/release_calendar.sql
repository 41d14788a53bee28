-- What is released soon or was just released, beside what was said of its topic on the day.
WITH issues AS (
    SELECT
        issue_no,
        topic
    FROM graded.issues
    WHERE day = $day
),

said AS (
    SELECT
        topic,
        count(*) AS issues
    FROM issues
    GROUP BY topic
),

raised AS (
    SELECT
        coalesce(issues.topic, bursts.key) AS topic,
        count(*) AS bursts
    FROM graded.bursts AS bursts
    LEFT JOIN issues ON bursts.kind = 'issue' AND bursts.key = issues.issue_no
    WHERE bursts.day = $day AND bursts.kind != 'place'
    GROUP BY coalesce(issues.topic, bursts.key)
)

SELECT
    releases.indicator,
    releases.topic,
    topics.name AS topic_name,
    releases.first_day,
    releases.last_day,
    releases.at,
    releases.status,
    date_diff('day', $day, releases.first_day) AS days_until,
    $day BETWEEN releases.opens_on AND releases.closes_on AS in_window,
    coalesce(said.issues, 0) AS issues,
    coalesce(raised.bursts, 0) AS bursts,
    $as_of AS as_of
FROM ops.releases AS releases
LEFT JOIN ops.topics AS topics ON releases.topic = topics.topic AND topics.day = $day
LEFT JOIN said ON releases.topic = said.topic
LEFT JOIN raised ON releases.topic = raised.topic
WHERE
    releases.day = $day
    AND coalesce(releases.closes_on, releases.last_day) >= $day
    AND releases.first_day <= $day + 31
