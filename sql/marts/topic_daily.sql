-- Posts count under their own topic, issues under theirs: a post can speak of another topic than its issue.
WITH said AS (
    SELECT
        posts.topic,
        count(*) AS posts,
        count(*) FILTER (WHERE NOT repost_groups.is_origin) AS reposts
    FROM graded.posts AS posts
    LEFT JOIN clean.repost_groups AS repost_groups
        ON repost_groups.day = posts.day AND repost_groups.post_id = posts.post_id
    WHERE posts.day = $day
    GROUP BY posts.topic
),
log AS (
    SELECT
        topic,
        count(*) AS issues,
        count(*) FILTER (WHERE change = 'new') AS issues_new,
        count(*) FILTER (WHERE level_in_force = 'extreme') AS extreme,
        count(*) FILTER (WHERE level_in_force = 'major') AS major,
        count(*) FILTER (WHERE level_in_force = 'larger') AS larger,
        count(*) FILTER (WHERE level_in_force = 'general') AS general,
        count(*) FILTER (WHERE level_in_force = 'log_only') AS log_only,
        count(*) FILTER (WHERE level_in_force = 'context') AS context,
        count(*) FILTER (WHERE level_in_force = 'refer_out') AS refer_out
    FROM marts.daily_log
    WHERE day = $day
    GROUP BY topic
)
SELECT
    topics.topic,
    topics.name AS topic_name,
    coalesce(said.posts, 0) AS posts,
    coalesce(said.reposts, 0) AS reposts,
    coalesce(log.issues, 0) AS issues,
    coalesce(log.issues_new, 0) AS issues_new,
    coalesce(log.extreme, 0) AS extreme,
    coalesce(log.major, 0) AS major,
    coalesce(log.larger, 0) AS larger,
    coalesce(log.general, 0) AS general,
    coalesce(log.log_only, 0) AS log_only,
    coalesce(log.context, 0) AS context,
    coalesce(log.refer_out, 0) AS refer_out,
    $as_of AS as_of,
    $rule_version AS rule_version
FROM ops.topics AS topics
LEFT JOIN said ON said.topic = topics.topic
LEFT JOIN log ON log.topic = topics.topic
WHERE topics.day = $day AND (said.topic IS NOT NULL OR log.topic IS NOT NULL)
