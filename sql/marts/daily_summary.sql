WITH health AS (
    SELECT
        count(*) AS sources_planned,
        count(*) FILTER (WHERE status = 'ok') AS sources_ok,
        count(*) FILTER (WHERE status IN ('ok', 'silent')) AS sources_checked,
        coalesce(list(name ORDER BY name) FILTER (WHERE status = 'silent'), []) AS silent,
        coalesce(list(name ORDER BY name) FILTER (WHERE status = 'broken'), []) AS broken,
        coalesce(list(name ORDER BY name) FILTER (WHERE status = 'not_run'), []) AS not_run,
        coalesce(sum(fetches), 0) AS fetches,
        coalesce(sum(fetches_failed), 0) AS fetches_failed,
        coalesce(sum(observations), 0) AS observations,
        coalesce(sum(posts_new), 0) AS posts_new,
        coalesce(sum(posts_relevant), 0) AS posts_relevant
    FROM marts.source_health
    WHERE day = $day
),
rejects AS (
    SELECT
        count(*) FILTER (WHERE stage = 'clean') AS rejected_unreadable,
        count(*) FILTER (WHERE stage = 'understand') AS rejected_irrelevant
    FROM clean.rejects
    WHERE day = $day
),
log AS (
    SELECT
        count(*) FILTER (WHERE change = 'new') AS issues_new,
        count(*) FILTER (WHERE change = 'tracked') AS issues_tracked,
        count(*) FILTER (WHERE system_level = 'extreme') AS extreme,
        count(*) FILTER (WHERE system_level = 'major') AS major,
        count(*) FILTER (WHERE system_level = 'larger') AS larger,
        count(*) FILTER (WHERE system_level = 'general') AS general,
        count(*) FILTER (WHERE system_level = 'log_only') AS log_only,
        count(*) FILTER (WHERE system_level = 'context') AS context,
        count(*) FILTER (WHERE system_level = 'refer_out') AS refer_out,
        count(*) FILTER (WHERE response_value IN ('must', 'should')) AS to_answer,
        count(*) FILTER (WHERE change = 'new' AND system_level NOT IN ('context', 'refer_out')) = 0 AS zero_report,
        count(*) FILTER (WHERE level_change IN ('raised', 'lowered', 'moved')) AS levels_changed,
        count(*) FILTER (WHERE needs_look) AS to_look_at
    FROM marts.daily_log
    WHERE day = $day
),
-- Of the office's own matters; those of the background and of other places are not for it to find, report or answer.
latency AS (
    SELECT
        round(median(found_hours) FILTER (WHERE change = 'new'), 2) AS found_hours,
        count(found_hours) FILTER (WHERE change = 'new') AS found_issues,
        round(median(coalesce(reported_hours, warned_hours)), 2) AS report_hours,
        count(coalesce(reported_hours, warned_hours)) AS report_issues,
        round(median(answered_hours), 2) AS answered_hours,
        count(answered_hours) AS answered_issues
    FROM marts.daily_log
    WHERE day = $day AND level_in_force NOT IN ('context', 'refer_out')
),
previous AS (
    SELECT
        CASE WHEN count(*) > 0 THEN count(*) FILTER (WHERE kind = 'post') END AS previous_posts_relevant,
        CASE WHEN count(*) > 0 THEN count(*) FILTER (WHERE kind = 'issue') END AS previous_issues_new
    FROM (
        SELECT 'run' AS kind FROM ops.sources WHERE day = $day - INTERVAL 1 DAY
        UNION ALL
        SELECT 'post' AS kind FROM graded.posts WHERE day = $day - INTERVAL 1 DAY
        UNION ALL
        SELECT 'issue' AS kind FROM graded.issues WHERE day = $day - INTERVAL 1 DAY AND is_new
    ) AS rows_before
)
SELECT $as_of AS as_of, $rule_version AS rule_version, health.*, rejects.*, log.*, previous.*, latency.*
FROM health, rejects, log, previous, latency
