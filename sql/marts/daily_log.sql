-- The day's issues in the order of the paper: highest level first, background and other places' matters last.
WITH grades AS (
    SELECT *
    FROM graded.issue_grades
    WHERE day = $day AND as_of = $as_of AND rule_version = $rule_version
),
-- An issue without a new post is graded, too, on a day on which a person set a fact of it: as it last stood.
issues AS (
    SELECT *
    FROM graded.issues
    WHERE day <= $day
    QUALIFY row_number() OVER (PARTITION BY issue_no ORDER BY day DESC) = 1
),
topics AS (
    SELECT topic, name, owner_unit, competent_body FROM ops.topics WHERE day = $day
),
levels AS (
    SELECT *
    FROM graded.issue_levels
    WHERE day = $day AND as_of = $as_of AND rule_version = $rule_version
),
levels_before AS (
    SELECT *
    FROM graded.issue_levels
    WHERE day < $day AND as_of < $as_of
    QUALIFY
        row_number() OVER (
            PARTITION BY issue_no ORDER BY as_of DESC, rule_version = $rule_version DESC, rule_version DESC
        ) = 1
),
warned AS (
    SELECT issue_no, min(deliver_at) AS deliver_at
    FROM graded.alerts
    WHERE day <= $day AND as_of <= $as_of AND issue_no IS NOT NULL
    GROUP BY issue_no
),
reported AS (
    SELECT issue_no, min(decided_at) AS decided_at
    FROM cases.events AS events
    WHERE day <= $day AND events."at" <= $as_of AND event IN ('report_inside', 'report_up')
    GROUP BY issue_no
),
answered AS (
    SELECT issue_no, min(published_at) AS published_at
    FROM cases.responses
    WHERE day <= $day AND registered_at <= $as_of
    GROUP BY issue_no
),
-- Levels of a home that was graded before levels were kept over time stand as the evaluation found them.
in_force AS (
    SELECT
        grades.issue_no,
        coalesce(levels.standing_level, grades.level) AS standing_level,
        coalesce(levels.level_in_force, cases.confirmed_level, grades.level) AS level_in_force,
        coalesce(levels.needs_look, FALSE) AS needs_look,
        levels_before.level_in_force AS level_yesterday
    FROM grades
    LEFT JOIN levels ON levels.issue_no = grades.issue_no
    LEFT JOIN levels_before ON levels_before.issue_no = grades.issue_no
    LEFT JOIN cases.cases AS cases ON cases.day = $day AND cases.issue_no = grades.issue_no
)
SELECT
    row_number() OVER (
        ORDER BY
            CASE grades.level
                WHEN 'extreme' THEN 1 WHEN 'major' THEN 2 WHEN 'larger' THEN 3
                WHEN 'general' THEN 4 WHEN 'log_only' THEN 5 WHEN 'context' THEN 6 ELSE 7
            END,
            grades.total DESC,
            issues.issue_no
    ) AS seq,
    issues.issue_no,
    CASE WHEN issues.is_new AND issues.day = $day THEN 'new' ELSE 'tracked' END AS change,
    issues.detected_at,
    issues.title,
    left(origin.text, 120) AS summary,
    origin.source_name,
    origin.source_class,
    grades.media_tier,
    origin.url,
    issues.first_published_at,
    issues.topic,
    topics.name AS topic_name,
    issues.jurisdiction,
    issues.stance,
    grades.tone,
    issues.posts,
    grades.views,
    grades.reposts,
    grades.comments,
    grades.level AS system_level,
    cases.confirmed_level,
    grades.level_by_score,
    grades.C,
    grades.R,
    grades.A,
    grades.S,
    grades.M,
    grades.total,
    grades.coverage,
    grades.overrides,
    grades.explanation,
    list_contains(grades.flags, 'key_category') AS key_category,
    grades.response_value,
    grades.sensitive,
    grades.needs_review,
    topics.owner_unit,
    topics.competent_body,
    CASE
        WHEN grades.level = 'refer_out' THEN 'refer'
        WHEN grades.level IN ('larger', 'major', 'extreme') THEN 'report_and_verify'
        -- Figures of another body are not ours to explain: whoever asks for them is told where to go.
        WHEN grades.response_value IN ('must', 'should') AND topics.competent_body IS NOT NULL THEN 'refer'
        WHEN grades.response_value IN ('must', 'should') AND issues.stance = 'question' THEN 'answer'
        WHEN grades.response_value IN ('must', 'should') THEN 'verify_and_answer'
        ELSE 'log'
    END AS suggestion,
    in_force.standing_level,
    in_force.level_in_force,
    in_force.level_yesterday,
    CASE
        WHEN in_force.level_yesterday IS NULL THEN 'new'
        WHEN in_force.level_yesterday = in_force.level_in_force THEN 'same'
        WHEN
            in_force.level_yesterday IN ('context', 'refer_out') OR in_force.level_in_force IN ('context', 'refer_out')
            THEN 'moved'
        WHEN
            list_position(['log_only', 'general', 'larger', 'major', 'extreme'], in_force.level_in_force)
            > list_position(['log_only', 'general', 'larger', 'major', 'extreme'], in_force.level_yesterday)
            THEN 'raised'
        ELSE 'lowered'
    END AS level_change,
    in_force.needs_look,
    -- 早发现, 早报告 (by warning, and by the register), 早反馈. Of a time known to the day only, the hours are not known.
    CASE
        WHEN origin.published_precision IN ('minute', 'hour')
            THEN round((epoch(issues.detected_at) - epoch(issues.first_published_at)) / 3600, 2)
    END AS found_hours,
    round((epoch(warned.deliver_at) - epoch(issues.detected_at)) / 3600, 2) AS warned_hours,
    round((epoch(reported.decided_at) - epoch(issues.detected_at)) / 3600, 2) AS reported_hours,
    round((epoch(answered.published_at) - epoch(issues.detected_at)) / 3600, 2) AS answered_hours,
    $as_of AS as_of,
    $rule_version AS rule_version
FROM issues
INNER JOIN grades ON grades.issue_no = issues.issue_no
INNER JOIN in_force ON in_force.issue_no = issues.issue_no
INNER JOIN graded.posts AS origin ON origin.post_id = issues.origin_post_id
INNER JOIN topics ON topics.topic = issues.topic
LEFT JOIN cases.cases AS cases ON cases.day = $day AND cases.issue_no = issues.issue_no
LEFT JOIN warned ON warned.issue_no = issues.issue_no
LEFT JOIN reported ON reported.issue_no = issues.issue_no
LEFT JOIN answered ON answered.issue_no = issues.issue_no
