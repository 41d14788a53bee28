-- Order and kinds of the figures of a month, quarter or year, and where each comes from; 'none': nothing records it.
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
    (14, 'self_found', 'rate', 'told'),
    (15, 'missed', 'rate', 'told'),
    (16, 'missed_major', 'count', 'told'),
    (17, 'log_signed', 'rate', 'register'),
    (21, 'confirm_on_time', 'rate', 'register'),
    (22, 'level_agreed', 'rate', 'register'),
    (23, 'level_kappa', 'index', 'register'),
    (24, 'report_inside_on_time', 'rate', 'register'),
    (25, 'report_up_on_time', 'rate', 'register'),
    (26, 'refer_on_time', 'rate', 'register'),
    (27, 'assign_on_time', 'rate', 'none'),
    (28, 'verify_on_time', 'rate', 'register'),
    (31, 'respond_on_time', 'rate', 'register'),
    (32, 'respond_5h', 'rate', 'register'),
    (33, 'respond_24h', 'rate', 'register'),
    (34, 'respond_48h', 'rate', 'register'),
    (35, 'respond_final_on_time', 'rate', 'register'),
    (36, 'press_conference_on_time', 'rate', 'register'),
    (37, 'first_response_median', 'hours', 'register'),
    (38, 'first_response_p90', 'hours', 'register'),
    (41, 'closed', 'rate', 'register'),
    (42, 'closed_on_time', 'rate', 'register'),
    (43, 'rectify_on_time', 'rate', 'register'),
    (44, 'result_told', 'rate', 'register'),
    (45, 'clarified', 'rate', 'register'),
    (46, 'suggestions_told', 'rate', 'register'),
    (47, 'satisfied', 'rate', 'none'),
    (48, 'published_on_time', 'rate', 'runs'),
    (51, 'reopened', 'rate', 'register'),
    (52, 'second_wave', 'rate', 'register'),
    (53, 'returned', 'rate', 'register'),
    (54, 'urged', 'count', 'register'),
    (55, 'open_overdue', 'count', 'register'),
    (56, 'duties_unknown', 'count', 'register'),
    (61, 'trainings', 'count', 'ops.training'),
    (62, 'praised', 'count', 'ops.assessments'),
    (63, 'noticed', 'count', 'ops.assessments'),
    (64, 'deducted', 'count', 'ops.assessments'),
    (65, 'improvements_on_time', 'rate', 'ops.improvements')
),
periods (back, code, first, last) AS (
    SELECT 'now' AS back, $period AS code, CAST($first AS DATE) AS first, CAST($day AS DATE) AS last
    UNION ALL
    SELECT 'before' AS back, $before AS code, CAST($before_first AS DATE) AS first, CAST($before_last AS DATE) AS last
    UNION ALL
    SELECT 'year_ago' AS back, $year_ago AS code, CAST($year_ago_first AS DATE) AS first,
        CAST($year_ago_last AS DATE) AS last
),
sheets (origin) AS (
    SELECT DISTINCT 'ops.training' AS origin FROM ops.training WHERE imported_at <= $as_of
    UNION ALL
    SELECT DISTINCT 'ops.assessments' AS origin FROM ops.assessments WHERE imported_at <= $as_of
    UNION ALL
    SELECT DISTINCT 'ops.improvements' AS origin FROM ops.improvements WHERE imported_at <= $as_of
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
    LEFT JOIN marts.daily_summary AS summary ON summary.day BETWEEN periods.first AND periods.last
    GROUP BY periods.back
),
found AS (
    SELECT periods.back, count(issues.day) AS issues, count(*) FILTER (WHERE issues.is_own) AS issues_own
    FROM periods
    LEFT JOIN marts.review_issues AS issues ON issues.day = periods.last AND issues.period = periods.code
    GROUP BY periods.back
),
registers AS (
    SELECT DISTINCT periods.back
    FROM periods
    INNER JOIN cases.cases AS cases ON cases.day BETWEEN periods.first AND periods.last
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
    INNER JOIN marts.review_items AS items ON items.day = periods.last AND items.period = periods.code
    GROUP BY periods.back, items.figure
),
-- Agreement beyond chance on the scale of levels, a step of two weighing four times a step of one (Cohen's kappa,
-- quadratic weights); background and referrals are no step of it. No figure where all levels are the same.
kappas AS (
    SELECT
        back,
        count(*) FILTER (WHERE suggested = confirmed) AS hits,
        count(*) AS pieces,
        1 - sum((suggested - confirmed) * (suggested - confirmed)) / nullif(
            sum(suggested * suggested) + sum(confirmed * confirmed)
            - 2.0 * sum(suggested) * sum(confirmed) / count(*), 0
        ) AS kappa
    FROM (
        SELECT
            periods.back,
            list_position(['log_only', 'general', 'larger', 'major', 'extreme'], items.system_level) AS suggested,
            list_position(['log_only', 'general', 'larger', 'major', 'extreme'], items.confirmed_level) AS confirmed
        FROM periods
        INNER JOIN marts.review_items AS items
            ON items.day = periods.last AND items.period = periods.code AND items.figure = 'level_agreed'
    ) AS pairs
    WHERE suggested > 0 AND confirmed > 0
    GROUP BY back
),
counted AS (
    SELECT
        periods.back,
        catalogue.*,
        CASE
            WHEN catalogue.origin = 'none' OR (catalogue.origin = 'told' AND $told_by_others = '') THEN 'not_recorded'
            WHEN volumes.days_run = 0 THEN 'not_run'
            WHEN catalogue.origin = 'register' AND registers.back IS NULL THEN 'no_register'
            WHEN catalogue.origin LIKE 'ops.%' AND sheets.origin IS NULL THEN 'no_sheet'
        END AS missing,
        CASE catalogue.figure
            WHEN 'observations' THEN volumes.observations
            WHEN 'posts_new' THEN volumes.posts_new
            WHEN 'posts_relevant' THEN volumes.posts_relevant
            WHEN 'zero_report_days' THEN volumes.zero_report_days
            WHEN 'issues' THEN found.issues
            WHEN 'issues_own' THEN found.issues_own
            WHEN 'level_kappa' THEN coalesce(kappas.hits, 0)
            ELSE coalesce(pieces.hits, 0)
        END AS hits,
        CASE
            WHEN catalogue.kind = 'index' THEN coalesce(kappas.pieces, 0)
            WHEN catalogue.kind <> 'count' THEN coalesce(pieces.pieces, 0)
        END AS pieces,
        CASE catalogue.figure
            WHEN 'first_response_median' THEN pieces.median_hours WHEN 'first_response_p90' THEN pieces.p90_hours
        END AS hours,
        kappas.kappa
    FROM periods
    CROSS JOIN catalogue
    INNER JOIN volumes ON volumes.back = periods.back
    INNER JOIN found ON found.back = periods.back
    LEFT JOIN registers ON registers.back = periods.back
    LEFT JOIN sheets ON sheets.origin = catalogue.origin
    LEFT JOIN kappas ON kappas.back = periods.back
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
            WHEN kind = 'index' THEN round(kappa, 4)
            WHEN pieces > 0 THEN round(hits / pieces, 4)
        END AS value,
        CASE
            WHEN missing IS NOT NULL THEN missing
            WHEN pieces = 0 THEN 'no_case'
            WHEN kind = 'index' AND kappa IS NULL THEN 'no_spread'
        END AS missing
    FROM counted
)
SELECT
    $period AS period,
    CAST($first AS DATE) AS period_start,
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
    CASE
        WHEN now.kind IN ('rate', 'index') THEN round(now.value - before.value, 4)
        ELSE round((now.value - before.value) / nullif(before.value, 0), 4)
    END AS change,
    year_ago.value AS last_year_value,
    year_ago.denominator AS last_year_denominator,
    CASE
        WHEN now.kind IN ('rate', 'index') THEN round(now.value - year_ago.value, 4)
        ELSE round((now.value - year_ago.value) / nullif(year_ago.value, 0), 4)
    END AS change_on_year,
    $as_of AS as_of,
    $rule_version AS rule_version
FROM figures AS now
INNER JOIN figures AS before ON before.figure = now.figure AND before.back = 'before'
INNER JOIN figures AS year_ago ON year_ago.figure = now.figure AND year_ago.back = 'year_ago'
WHERE now.back = 'now'
