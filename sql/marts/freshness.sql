-- How old is what we have, and is it as much as usual? One row a source, and one for all. What a source's silence or
-- fault means is in marts.source_health; here its age and volume are set against what is usual for it.
WITH fetched AS (
    SELECT
        source_id,
        max(fetched_at) FILTER (WHERE outcome IN ('ok', 'not_modified', 'empty')) AS last_read_at
    FROM ops.fetches
    WHERE day <= $day AND fetched_at <= $as_of AND kind <> 'robots'
    GROUP BY source_id
),
by_source AS (
    SELECT
        health.source_id,
        health.name,
        fetched.last_read_at,
        health.last_new_post_at,
        health.posts_new,
        health.posts_usual,
        health.status,
        list_contains(health.warnings, 'volume_low') AS is_low,
        sources.silent_after_hours
    FROM marts.source_health AS health
    INNER JOIN ops.sources AS sources ON sources.source_id = health.source_id AND sources.day = health.day
    LEFT JOIN fetched ON fetched.source_id = health.source_id
    WHERE health.day = $day
),
usual_of_all AS (
    SELECT median(posts) AS posts_usual, count(*) AS days
    FROM (
        SELECT asked.day, count(posts.post_id) AS posts
        FROM (
            SELECT DISTINCT day
            FROM ops.fetches
            WHERE day < $day AND day >= $day - INTERVAL 14 DAY
        ) AS asked
        LEFT JOIN clean.posts AS posts ON posts.day = asked.day
        GROUP BY asked.day
    ) AS days_before
),
every AS (
    SELECT *, FALSE AS is_all FROM by_source
    UNION ALL BY NAME
    SELECT
        'all' AS source_id,
        '全部来源' AS name,
        max(last_read_at) AS last_read_at,
        max(last_new_post_at) AS last_new_post_at,
        CAST(sum(posts_new) AS BIGINT) AS posts_new,
        any_value(usual_of_all.posts_usual) AS posts_usual,
        'ok' AS status,
        -- As for a single source (our choice): a third of the usual, once there are five days to know it from.
        any_value(usual_of_all.days) >= 5 AND sum(posts_new) < 0.3 * any_value(usual_of_all.posts_usual) AS is_low,
        min(silent_after_hours) AS silent_after_hours,
        TRUE AS is_all
    FROM by_source, usual_of_all
    HAVING count(*) > 0
),
aged AS (
    SELECT
        *,
        (epoch($as_of) - epoch(last_read_at)) / 3600 AS read_hours,
        (epoch($as_of) - epoch(last_new_post_at)) / 3600 AS new_hours
    FROM every
),
judged AS (
    SELECT
        *,
        CASE
            WHEN last_read_at IS NULL THEN 'never_read'
            WHEN read_hours > 24 THEN 'stale'
            WHEN NOT is_all AND status = 'silent' THEN 'silent'
            WHEN is_all AND (new_hours IS NULL OR new_hours > silent_after_hours) THEN 'silent'
            WHEN is_low THEN 'volume_low'
            ELSE 'fresh'
        END AS state
    FROM aged
)
SELECT
    source_id,
    name,
    state,
    last_read_at,
    read_hours,
    last_new_post_at,
    new_hours,
    posts_new,
    posts_usual,
    CASE state
        WHEN 'never_read' THEN '从未读到'
        WHEN 'stale' THEN '已 ' || CAST(CAST(floor(read_hours) AS BIGINT) AS VARCHAR) || ' 小时未读到'
        WHEN 'silent' THEN CASE
            WHEN new_hours IS NULL THEN '尚无内容'
            ELSE '已 ' || CAST(CAST(floor(new_hours) AS BIGINT) AS VARCHAR) || ' 小时无新内容'
        END
        WHEN 'volume_low'
            THEN '新增 ' || CAST(posts_new AS VARCHAR) || ' 条，平日约 '
                || CAST(CAST(round(posts_usual) AS BIGINT) AS VARCHAR) || ' 条'
        ELSE '正常'
    END AS phrase,
    $as_of AS as_of
FROM judged
