-- Units are assessed by what they owed and did. Whoever hears more criticism does not stand worse.
WITH reviews AS (
    SELECT * FROM marts.review_month
    UNION ALL
    SELECT * FROM marts.review_quarter
    UNION ALL
    SELECT * FROM marts.review_year
),
catalogue AS (
    SELECT CASE WHEN period = $period THEN 'now' ELSE 'before' END AS back, period, day, seq, figure, kind
    FROM reviews
    WHERE
        ((day = $day AND period = $period) OR (day = $before_last AND period = $before))
        AND figure IN (
            'verify_on_time', 'respond_on_time', 'respond_final_on_time', 'closed', 'closed_on_time',
            'rectify_on_time', 'result_told', 'clarified', 'published_on_time', 'reopened', 'returned', 'urged',
            'open_overdue', 'trainings', 'praised', 'noticed', 'deducted', 'improvements_on_time'
        )
        AND coalesce(missing, 'no_case') = 'no_case'
),
pieces AS (
    SELECT day, period, unit, figure, count(*) FILTER (WHERE hit) AS hits, count(*) AS pieces
    FROM marts.review_items
    WHERE unit IS NOT NULL
    GROUP BY day, period, unit, figure
),
units AS (
    SELECT DISTINCT pieces.unit
    FROM pieces
    INNER JOIN catalogue
        ON catalogue.day = pieces.day AND catalogue.period = pieces.period AND catalogue.figure = pieces.figure
    WHERE catalogue.back = 'now'
),
figures AS (
    SELECT
        catalogue.*,
        units.unit,
        coalesce(pieces.hits, 0) AS numerator,
        CASE WHEN catalogue.kind = 'rate' THEN coalesce(pieces.pieces, 0) END AS denominator,
        CASE
            WHEN catalogue.kind = 'count' THEN CAST(coalesce(pieces.hits, 0) AS DOUBLE)
            ELSE round(pieces.hits / pieces.pieces, 4)
        END AS value
    FROM catalogue
    CROSS JOIN units
    LEFT JOIN pieces
        ON pieces.day = catalogue.day AND pieces.period = catalogue.period
        AND pieces.figure = catalogue.figure AND pieces.unit = units.unit
)
SELECT
    $period AS period,
    CAST($first AS DATE) AS period_start,
    CAST($day AS DATE) AS period_end,
    now.unit AS owner_unit,
    now.seq,
    now.figure,
    now.kind,
    now.numerator,
    now.denominator,
    now.value,
    before.value AS previous_value,
    before.denominator AS previous_denominator,
    CASE now.kind
        WHEN 'rate' THEN round(now.value - before.value, 4)
        ELSE round((now.value - before.value) / nullif(before.value, 0), 4)
    END AS change,
    $as_of AS as_of,
    $rule_version AS rule_version
FROM figures AS now
LEFT JOIN figures AS before ON before.figure = now.figure AND before.unit = now.unit AND before.back = 'before'
WHERE now.back = 'now'
