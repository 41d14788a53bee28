-- The day's issues in the order of the paper: highest level first, background and other places' matters last.
WITH grades AS (
    SELECT *
    FROM graded.issue_grades
    WHERE day = $day AND as_of = $as_of AND rule_version = $rule_version
),
topics AS (
    SELECT topic, name, owner_unit, competent_body FROM ops.topics WHERE day = $day
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
    CASE WHEN issues.is_new THEN 'new' ELSE 'tracked' END AS change,
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
    $as_of AS as_of,
    $rule_version AS rule_version
FROM graded.issues AS issues
INNER JOIN grades ON grades.issue_no = issues.issue_no
INNER JOIN graded.posts AS origin ON origin.post_id = issues.origin_post_id
INNER JOIN topics ON topics.topic = issues.topic
LEFT JOIN cases.cases AS cases ON cases.day = $day AND cases.issue_no = issues.issue_no
WHERE issues.day = $day
