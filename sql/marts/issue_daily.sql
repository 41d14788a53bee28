-- The measures of the log, and what came since the issue's log before; the posts by the day on which they were found.
WITH found AS (
    SELECT issue_posts.issue_no, count(*) AS posts_new
    FROM graded.issue_posts AS issue_posts
    INNER JOIN graded.posts AS posts ON posts.day = issue_posts.day AND posts.post_id = issue_posts.post_id
    WHERE issue_posts.day = $day
    GROUP BY issue_posts.issue_no
),
before AS (
    SELECT issue_no, views, reposts, comments
    FROM marts.daily_log
    WHERE day < $day
    QUALIFY row_number() OVER (PARTITION BY issue_no ORDER BY day DESC) = 1
)
SELECT
    log.issue_no,
    log.level_in_force,
    coalesce(found.posts_new, 0) AS posts_new,
    log.posts,
    log.views,
    log.reposts,
    log.comments,
    CASE WHEN before.issue_no IS NULL THEN log.views ELSE log.views - before.views END AS views_gained,
    CASE WHEN before.issue_no IS NULL THEN log.reposts ELSE log.reposts - before.reposts END AS reposts_gained,
    CASE WHEN before.issue_no IS NULL THEN log.comments ELSE log.comments - before.comments END AS comments_gained,
    $as_of AS as_of,
    $rule_version AS rule_version
FROM marts.daily_log AS log
LEFT JOIN found ON found.issue_no = log.issue_no
LEFT JOIN before ON before.issue_no = log.issue_no
WHERE log.day = $day
