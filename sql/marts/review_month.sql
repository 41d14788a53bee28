-- Order and kinds of the figures, and where each comes from; 'none': nothing records it yet.
WITH catalogue (seq, figure, kind, origin) AS (
    VALUES
    (1, 'observations', 'count', 'runs'),
    (2, 'posts_new', 'count', 'runs'),
    (3, 'posts_relevant', 'count', 'runs'),
    (4, 'issues', 'count', 'runs'),
    (5, 'issues_own', 'count', 'runs'),
    (6, 'zero_report_days', 'count', 'runs'),
    (11, 'days_run', 'rate', 'runs'),
    (12, 'sources_checked', 'rate', 'runs'),
    (13, 'found_in_time', 'rate', 'runs'),
    (14, 'self_found', 'rate', 'none'),
    (15, 'missed', 'rate', 'none'),
    (16, 'log_signed', 'rate', 'register'),
    (21, 'confirm_on_time', 'rate', 'register'),
    (22, 'level_agreed', 'rate', 'register'),
    (23, 'report_inside_on_time', 'rate', 'register'),
    (24, 'report_up_on_time', 'rate', 'register'),
    (25, 'refer_on_time', 'rate', 'register'),
    (26, 'assign_on_time', 'rate', 'none'),
    (27, 'verify_on_time', 'rate', 'register'),
    (31, 'respond_on_time', 'rate', 'register'),
    (32, 'respond_5h', 'rate', 'register'),
    (33, 'respond_24h', 'rate', 'register'),
    (34, 'respond_48h', 'rate', 'register'),
    (35, 'respond_final_on_time', 'rate', 'register'),
    (36, 'press_conference_on_time', 'rate', 'register'),
    (37, 'first_response_median', 'hours', 'register'),
    (38, 'first_response_p90', 'hours', 'register'),
    (41, 'closed', 'rate', 'register'),
    (42, 'closed_on_time', 'rate', 'none'),
    (43, 'rectified_on_time', 'rate', 'none'),
    (44, 'result_told', 'rate', 'register'),
    (45, 'clarified', 'rate', 'register'),
    (46, 'suggestions_adopted', 'rate', 'none'),
    (47, 'satisfied', 'rate', 'none'),
    (48, 'published_on_time', 'rate', 'none'),
    (51, 'reopened', 'rate', 'register'),
    (52, 'second_wave', 'rate', 'none'),
    (53, 'returned', 'rate', 'register'),
    (54, 'urged', 'count', 'none'),
    (55, 'open_overdue', 'count', 'register'),
    (56, 'duties_unknown', 'count', 'register')
),
periods AS (
    SELECT 0 AS back, CAST($day AS DATE) AS last
    UNION ALL
    SELECT 1 AS back, last_day(CAST($day AS DATE) - INTERVAL 1 MONTH) AS last
    UNION ALL
    SELECT 12 AS back, last_day(CAST($day AS DATE) - INTERVAL 12 MONTH) AS last
),
volumes AS (
    SELECT
        periods.back,
        count(summary.day) AS days_run,
        sum(summary.observations) AS observations,
        sum(summary.posts_new) AS posts_new,
        sum(summary.posts_relevant) AS posts_relevant,
        count(*) FILTER (WHERE summary.zero_report) AS zero_report_days
    FROM periods
    LEFT JOIN marts.daily_summary AS summary ON last_day(summary.day) = periods.last
    GROUP BY periods.back
),
found AS (
    SELECT periods.back, count(issues.day) AS issues, count(*) FILTER (WHERE issues.is_own) AS issues_own
    FROM periods
    LEFT JOIN marts.review_issues AS issues ON issues.day = periods.last
    GROUP BY periods.back
),
registers AS (
    SELECT DISTINCT periods.back
    FROM periods
    INNER JOIN cases.cases AS cases ON last_day(cases.day) = periods.last
),
pieces AS (
    SELECT
        periods.back,
        items.figure,
        count(*) FILTER (WHERE items.hit) AS hits,
        count(*) AS pieces,
        median(items.hours) AS median_hours,
        quantile_cont(items.hours, 0.9) AS p90_hours
    FROM periods
    INNER JOIN marts.review_items AS items ON items.day = periods.last
    GROUP BY periods.back, items.figure
),
counted AS (
    SELECT
        periods.back,
        catalogue.*,
        CASE
            WHEN catalogue.origin = 'none' THEN 'not_recorded'
            WHEN volumes.days_run = 0 THEN 'not_run'
            WHEN catalogue.origin = 'register' AND registers.back IS NULL THEN 'no_register'
        END AS missing,
        CASE catalogue.figure
            WHEN 'observations' THEN volumes.observations
            WHEN 'posts_new' THEN volumes.posts_new
            WHEN 'posts_relevant' THEN volumes.posts_relevant
            WHEN 'zero_report_days' THEN volumes.zero_report_days
            WHEN 'issues' THEN found.issues
            WHEN 'issues_own' THEN found.issues_own
            ELSE coalesce(pieces.hits, 0)
        END AS hits,
        CASE WHEN catalogue.kind <> 'count' THEN coalesce(pieces.pieces, 0) END AS pieces,
        CASE catalogue.figure
            WHEN 'first_response_median' THEN pieces.median_hours WHEN 'first_response_p90' THEN pieces.p90_hours
        END AS hours
    FROM periods
    CROSS JOIN catalogue
    INNER JOIN volumes ON volumes.back = periods.back
    INNER JOIN found ON found.back = periods.back
    LEFT JOIN registers ON registers.back = periods.back
    LEFT JOIN pieces
        ON pieces.back = periods.back
        AND pieces.figure = CASE WHEN catalogue.kind = 'hours' THEN 'first_response' ELSE catalogue.figure END
),
figures AS (
    SELECT
        back,
        seq,
        figure,
        kind,
        CASE WHEN missing IS NULL THEN hits END AS numerator,
        CASE WHEN missing IS NULL THEN pieces END AS denominator,
        CASE
            WHEN missing IS NOT NULL THEN NULL
            WHEN kind = 'count' THEN CAST(hits AS DOUBLE)
            WHEN kind = 'hours' THEN round(hours, 1)
            WHEN pieces > 0 THEN round(hits / pieces, 4)
        END AS value,
        coalesce(missing, CASE WHEN pieces = 0 THEN 'no_case' END) AS missing
    FROM counted
)
SELECT
    CAST(date_trunc('month', CAST($day AS DATE)) AS DATE) AS period_start,
    CAST($day AS DATE) AS period_end,
    now.seq,
    now.figure,
    now.kind,
    now.numerator,
    now.denominator,
    now.value,
    now.missing,
    before.value AS previous_value,
    before.denominator AS previous_denominator,
    CASE now.kind
        WHEN 'rate' THEN round(now.value - before.value, 4)
        ELSE round((now.value - before.value) / nullif(before.value, 0), 4)
    END AS change,
    year_ago.value AS last_year_value,
    year_ago.denominator AS last_year_denominator,
    CASE now.kind
        WHEN 'rate' THEN round(now.value - year_ago.value, 4)
        ELSE round((now.value - year_ago.value) / nullif(year_ago.value, 0), 4)
    END AS change_on_year,
    $as_of AS as_of,
    $rule_version AS rule_version
FROM figures AS now
INNER JOIN figures AS before ON before.figure = now.figure AND before.back = 1
INNER JOIN figures AS year_ago ON year_ago.figure = now.figure AND year_ago.back = 12
WHERE now.back = 0
