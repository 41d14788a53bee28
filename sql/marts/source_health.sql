-- Silence is not success: a source that answers but has nothing new for too long is named.
WITH fetches AS (
    SELECT
        source_id,
        count(*) AS fetches,
        count(*) FILTER (WHERE outcome = 'ok') AS fetches_ok,
        count(*) FILTER (WHERE outcome = 'not_modified') AS fetches_not_modified,
        count(*) FILTER (WHERE outcome NOT IN ('ok', 'not_modified', 'empty')) AS fetches_failed,
        count(*) FILTER (WHERE kind <> 'detail') AS entries,
        count(*) FILTER (WHERE kind <> 'detail' AND outcome NOT IN ('ok', 'not_modified', 'empty')) AS entries_failed,
        count(*) FILTER (WHERE kind <> 'detail' AND outcome = 'empty') AS entries_empty,
        count(*) FILTER (WHERE kind = 'detail') AS details,
        count(*) FILTER (WHERE kind = 'detail' AND outcome NOT IN ('ok', 'not_modified')) AS details_failed
    FROM ops.fetches
    WHERE day = $day AND fetched_at <= $as_of
    GROUP BY source_id
),
once_filled AS (
    SELECT DISTINCT source_id
    FROM ops.fetches
    WHERE day < $day AND day >= $day - INTERVAL 30 DAY AND kind <> 'detail' AND found > 0
),
failures AS (
    SELECT source_id, string_agg(words || '×' || CAST(times AS VARCHAR), '；' ORDER BY times DESC, words) AS reason
    FROM (
        SELECT
            source_id,
            CASE outcome
                WHEN 'robots_denied' THEN '网站声明不允许抓取'
                WHEN 'http_error' THEN '返回错误码' || CAST(http_status AS VARCHAR)
                WHEN 'unreachable' THEN '无法连接'
                WHEN 'too_large' THEN '页面过大'
                WHEN 'undecodable' THEN '编码无法识别'
                WHEN 'empty' THEN '列表为空'
                WHEN 'unreadable' THEN CASE WHEN detail = 'soft 404' THEN '页面已失效' ELSE '页面无法解析' END
            END AS words,
            count(*) AS times
        FROM ops.fetches
        WHERE day = $day AND fetched_at <= $as_of AND outcome NOT IN ('ok', 'not_modified')
        GROUP BY ALL
    ) AS reasons
    GROUP BY source_id
),
new_posts AS (
    SELECT
        posts.source_id,
        max(posts.first_fetched_at) AS last_new_post_at,
        count(*) FILTER (WHERE posts.day = $day) AS posts_new,
        count(*) FILTER (WHERE posts.day = $day AND relevant.post_id IS NOT NULL) AS posts_relevant
    FROM clean.posts AS posts
    LEFT JOIN graded.posts AS relevant ON relevant.post_id = posts.post_id
    WHERE posts.day <= $day
    GROUP BY posts.source_id
),
observations AS (
    SELECT posts.source_id, count(*) AS observations
    FROM clean.post_metrics AS metrics
    INNER JOIN clean.posts AS posts ON posts.post_id = metrics.post_id
    WHERE metrics.day = $day
    GROUP BY posts.source_id
)
SELECT
    sources.source_id,
    sources.name,
    sources.source_class,
    CASE
        WHEN sources.config_error IS NOT NULL THEN 'broken'
        WHEN fetches.fetches IS NULL THEN 'not_run'
        WHEN fetches.entries_failed = fetches.entries THEN 'broken'
        -- A list that had entries and has none any more: the site changed its layout.
        WHEN fetches.entries_failed + fetches.entries_empty = fetches.entries AND once_filled.source_id IS NOT NULL
            THEN 'broken'
        WHEN fetches.details > 0 AND fetches.details_failed = fetches.details THEN 'broken'
        WHEN new_posts.last_new_post_at IS NULL THEN 'silent'
        WHEN epoch($as_of) - epoch(new_posts.last_new_post_at) > 3600 * sources.silent_after_hours THEN 'silent'
        ELSE 'ok'
    END AS status,
    coalesce(fetches.fetches, 0) AS fetches,
    coalesce(fetches.fetches_ok, 0) AS fetches_ok,
    coalesce(fetches.fetches_not_modified, 0) AS fetches_not_modified,
    coalesce(fetches.fetches_failed, 0) AS fetches_failed,
    coalesce(observations.observations, 0) AS observations,
    coalesce(new_posts.posts_new, 0) AS posts_new,
    coalesce(new_posts.posts_relevant, 0) AS posts_relevant,
    new_posts.last_new_post_at,
    coalesce(sources.config_error, failures.reason) AS reason,
    $as_of AS as_of
FROM ops.sources AS sources
LEFT JOIN fetches ON fetches.source_id = sources.source_id
LEFT JOIN once_filled ON once_filled.source_id = sources.source_id
LEFT JOIN failures ON failures.source_id = sources.source_id
LEFT JOIN new_posts ON new_posts.source_id = sources.source_id
LEFT JOIN observations ON observations.source_id = sources.source_id
WHERE sources.day = $day
