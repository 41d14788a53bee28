-- Silence is not success: a source that answers but has nothing new for too long is named, and so is one whose pages,
-- volume or robots.txt are no longer what they were in the 14 days before.
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
        count(*) FILTER (WHERE kind = 'detail' AND outcome NOT IN ('ok', 'not_modified')) AS details_failed,
        count(*) FILTER (WHERE starts_with(detail, 'gap:')) AS gaps,
        avg(agreement) AS agreement,
        count(agreement) AS compared
    FROM ops.fetches
    WHERE day = $day AND fetched_at <= $as_of AND kind <> 'robots'
        -- What a run had no time for is asked next time; it is no failure of the source.
        AND NOT coalesce(starts_with(detail, 'not asked: the time'), FALSE)
    GROUP BY source_id
),
once_filled AS (
    SELECT DISTINCT source_id
    FROM ops.fetches
    WHERE day < $day AND day >= $day - INTERVAL 30 DAY AND kind NOT IN ('detail', 'robots') AND found > 0
),
failures AS (
    SELECT source_id, string_agg(words || '×' || CAST(times AS VARCHAR), '；' ORDER BY times DESC, words) AS reason
    FROM (
        SELECT
            source_id,
            CASE outcome
                WHEN 'robots_denied' THEN '网站声明不允许抓取'
                WHEN 'http_error' THEN '返回错误码' || CAST(http_status AS VARCHAR)
                WHEN 'unreachable' THEN CASE
                    WHEN starts_with(detail, 'not asked: given up') THEN '屡次失败，不再重试'
                    WHEN starts_with(detail, 'not asked') THEN '屡次失败，暂停访问'
                    WHEN starts_with(detail, 'robots.txt: HTTP') THEN '网站声明文件无法读取'
                    ELSE '无法连接'
                END
                WHEN 'too_large' THEN '页面过大'
                WHEN 'undecodable' THEN '编码无法识别'
                WHEN 'empty' THEN '列表为空'
                WHEN 'unreadable' THEN CASE WHEN detail = 'soft 404' THEN '页面已失效' ELSE '页面无法解析' END
            END AS words,
            count(*) AS times
        FROM ops.fetches
        WHERE day = $day AND fetched_at <= $as_of AND outcome NOT IN ('ok', 'not_modified') AND kind <> 'robots'
            AND NOT coalesce(starts_with(detail, 'not asked: the time'), FALSE)
        GROUP BY ALL
    ) AS reasons
    GROUP BY source_id
),
new_posts AS (
    SELECT
        posts.source_id,
        max(posts.first_fetched_at) AS last_new_post_at,
        max(posts.published_at) AS newest_published_at,
        count(*) FILTER (WHERE posts.day = $day) AS posts_new,
        count(*) FILTER (WHERE posts.day = $day AND relevant.post_id IS NOT NULL) AS posts_relevant,
        count(*) FILTER (WHERE posts.day = $day AND posts.published_at IS NULL) AS posts_untimed,
        count(*) FILTER (WHERE posts.day < $day AND posts.day >= $day - INTERVAL 14 DAY) AS posts_before,
        count(*) FILTER (WHERE posts.day < $day AND posts.day >= $day - INTERVAL 14 DAY AND posts.published_at IS NULL)
            AS posts_untimed_before
    FROM clean.posts AS posts
    LEFT JOIN graded.posts AS relevant ON relevant.post_id = posts.post_id
    WHERE posts.day <= $day
    GROUP BY posts.source_id
),
days_before AS (
    SELECT asked.source_id, asked.day, count(posts.post_id) AS posts
    FROM (
        SELECT DISTINCT source_id, day
        FROM ops.fetches
        WHERE day < $day AND day >= $day - INTERVAL 14 DAY AND kind <> 'robots'
    ) AS asked
    LEFT JOIN clean.posts AS posts ON posts.source_id = asked.source_id AND posts.day = asked.day
    GROUP BY asked.source_id, asked.day
),
usual AS (
    SELECT source_id, median(posts) AS posts_usual, count(*) AS days_usual
    FROM days_before
    GROUP BY source_id
),
layouts AS (
    SELECT
        today.source_id,
        -- Most pages of the day stand on templates that the days before did not have.
        bool_or(before.source_id IS NOT NULL)
            AND count(*) FILTER (WHERE NOT list_contains(before.known, today.layout)) * 2 >= count(*) AS changed
    FROM (
        SELECT source_id, layout
        FROM ops.fetches
        WHERE day = $day AND fetched_at <= $as_of AND kind = 'detail' AND layout IS NOT NULL
    ) AS today
    LEFT JOIN (
        SELECT source_id, list(DISTINCT layout) AS known
        FROM ops.fetches
        WHERE day < $day AND day >= $day - INTERVAL 14 DAY AND kind = 'detail' AND layout IS NOT NULL
        GROUP BY source_id
    ) AS before ON before.source_id = today.source_id
    GROUP BY today.source_id
),
robots AS (
    SELECT today.source_id, bool_or(today.layout <> before.layout) AS changed
    FROM (
        SELECT source_id, url, layout
        FROM ops.fetches
        WHERE day = $day AND fetched_at <= $as_of AND kind = 'robots' AND layout IS NOT NULL
    ) AS today
    INNER JOIN (
        SELECT source_id, url, arg_max(layout, fetched_at) AS layout
        FROM ops.fetches
        WHERE day < $day AND day >= $day - INTERVAL 30 DAY AND kind = 'robots' AND layout IS NOT NULL
        GROUP BY source_id, url
    ) AS before ON before.source_id = today.source_id AND before.url = today.url
    GROUP BY today.source_id
),
observations AS (
    SELECT posts.source_id, count(*) AS observations
    FROM clean.post_metrics AS metrics
    INNER JOIN clean.posts AS posts ON posts.post_id = metrics.post_id
    WHERE metrics.day = $day
    GROUP BY posts.source_id
),
judged AS (
    SELECT
        sources.source_id,
        sources.name,
        sources.source_class,
        CASE
            WHEN sources.config_error IS NOT NULL THEN 'broken'
            WHEN fetches.fetches IS NULL THEN 'not_run'
            WHEN fetches.entries > 0 AND fetches.entries_failed = fetches.entries THEN 'broken'
            -- A list that had entries and has none any more: the site changed its layout.
            WHEN fetches.entries > 0 AND fetches.entries_failed + fetches.entries_empty = fetches.entries
                AND once_filled.source_id IS NOT NULL
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
        new_posts.newest_published_at,
        usual.posts_usual,
        new_posts.posts_untimed / nullif(new_posts.posts_new, 0) AS untimed_share,
        fetches.agreement,
        coalesce(sources.config_error, failures.reason) AS reason,
        CASE WHEN layouts.changed THEN ['layout_changed'] ELSE CAST([] AS VARCHAR[]) END
            || CASE WHEN robots.changed THEN ['robots_changed'] ELSE CAST([] AS VARCHAR[]) END
            || CASE WHEN fetches.gaps > 0 THEN ['gap'] ELSE CAST([] AS VARCHAR[]) END
            || CASE WHEN usual.days_usual >= 5 AND fetches.entries > fetches.entries_failed AND usual.posts_usual >= coalesce(sources.alarm_volume_from, 5) AND coalesce(new_posts.posts_new, 0) < coalesce(sources.alarm_volume_share, 0.3) * usual.posts_usual THEN ['volume_low'] ELSE CAST([] AS VARCHAR[]) END
            || CASE WHEN new_posts.posts_new >= 5 AND new_posts.posts_before >= 5 AND new_posts.posts_untimed / new_posts.posts_new > new_posts.posts_untimed_before / new_posts.posts_before + coalesce(sources.alarm_missing_times, 0.5) THEN ['times_missing'] ELSE CAST([] AS VARCHAR[]) END
            || CASE WHEN fetches.compared > 0 AND fetches.agreement < coalesce(sources.alarm_agreement, 0.5) THEN ['extractors_disagree'] ELSE CAST([] AS VARCHAR[]) END
            AS warnings
    FROM ops.sources AS sources
    LEFT JOIN fetches ON fetches.source_id = sources.source_id
    LEFT JOIN once_filled ON once_filled.source_id = sources.source_id
    LEFT JOIN failures ON failures.source_id = sources.source_id
    LEFT JOIN new_posts ON new_posts.source_id = sources.source_id
    LEFT JOIN usual ON usual.source_id = sources.source_id
    LEFT JOIN layouts ON layouts.source_id = sources.source_id
    LEFT JOIN robots ON robots.source_id = sources.source_id
    LEFT JOIN observations ON observations.source_id = sources.source_id
    WHERE sources.day = $day
)
SELECT
    judged.*,
    concat_ws(
        '；',
        CASE status
            WHEN 'ok' THEN '正常，新增 ' || CAST(posts_new AS VARCHAR) || ' 条'
            WHEN 'silent' THEN CASE
                WHEN last_new_post_at IS NULL THEN '静默，尚无内容'
                ELSE '静默，已 ' || CAST(CAST(floor((epoch($as_of) - epoch(last_new_post_at)) / 3600) AS BIGINT) AS VARCHAR)
                    || ' 小时无新内容'
            END
            WHEN 'broken' THEN '故障' || coalesce('，' || reason, '')
            ELSE '未采集'
        END,
        CASE WHEN list_contains(warnings, 'layout_changed') THEN '页面版式疑似变更' END,
        CASE WHEN list_contains(warnings, 'robots_changed') THEN '网站抓取声明有变，请复核' END,
        CASE WHEN list_contains(warnings, 'gap') THEN '列表更新过快，可能有漏采' END,
        CASE
            WHEN list_contains(warnings, 'volume_low')
                THEN '新增明显少于平日（平日约 ' || CAST(CAST(round(posts_usual) AS BIGINT) AS VARCHAR) || ' 条）'
        END,
        CASE WHEN list_contains(warnings, 'times_missing') THEN '多数内容读不到发布时间' END,
        CASE WHEN list_contains(warnings, 'extractors_disagree') THEN '两种正文提取结果差异大' END
    ) AS phrase,
    $as_of AS as_of
FROM judged
