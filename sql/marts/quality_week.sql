-- How often people agree with the machine, for the week of the day and the one before it, which is still being judged.
WITH weeks AS (
    SELECT strftime(monday, '%G-W%V') AS week, monday
    FROM (
        SELECT CAST(date_trunc('week', $day) AS DATE) AS monday
        UNION ALL
        SELECT CAST(date_trunc('week', $day) AS DATE) - 7 AS monday
    ) AS mondays
),
said AS (
    -- the last word on each matter
    SELECT
        labels.*,
        strftime(timezone('Asia/Shanghai', decided_at), '%G-W%V') AS week
    FROM ops.labels AS labels
    WHERE day <= $day
    QUALIFY row_number() OVER (
        PARTITION BY
            kind,
            CASE WHEN kind = 'level' THEN issue_no ELSE coalesce(post_id, event_id) END,
            CASE WHEN kind = 'duplicate' THEN other_post_id END
        ORDER BY position DESC
    ) = 1
),
sample AS (
    SELECT drawn.*
    FROM marts.reject_sample AS drawn
    INNER JOIN weeks ON weeks.week = drawn.week
    WHERE drawn.day BETWEEN weeks.monday AND $day
    QUALIFY drawn.day = max(drawn.day) OVER (PARTITION BY drawn.week)
),
missed AS (
    SELECT
        sample.week,
        sample.reason AS item,
        max(sample.of_reason) AS population,
        count(said.person) AS checked,
        count(*) FILTER (WHERE said.person = 'relevant') AS hits
    FROM sample
    LEFT JOIN said ON said.kind = 'relevance' AND said.post_id = sample.post_id
    GROUP BY sample.week, sample.reason
),
held_relevant AS (
    SELECT said.* FROM said INNER JOIN weeks ON weeks.week = said.week
    WHERE said.kind = 'relevance' AND said.machine = 'relevant'
),
by_term AS (
    SELECT DISTINCT
        week,
        event_id,
        person,
        regexp_extract(match, '^([^:]+):', 1) AS rule,
        regexp_extract(match, '^(.+)@[0-9]+$', 1) AS term
    FROM (SELECT week, event_id, person, unnest(evidence) AS match FROM held_relevant) AS matches
),
of_relevance AS (
    -- terms of places, stances and flags are no reason for relevance
    SELECT by_term.*
    FROM by_term
    WHERE
        rule IN ('strong', 'ambiguous')
        OR split_part(rule, '/', 1) IN (SELECT topic FROM ops.topics WHERE day = $day)
),
levels AS (
    SELECT
        said.week,
        said.machine,
        said.person,
        list_position(['log_only', 'general', 'larger', 'major', 'extreme'], said.machine) AS suggested,
        list_position(['log_only', 'general', 'larger', 'major', 'extreme'], said.person) AS confirmed
    FROM said
    INNER JOIN weeks ON weeks.week = said.week
    WHERE said.kind = 'level' AND said.machine IS NOT NULL
),
counted AS (
    SELECT week, 'miss_rate' AS figure, item, population, checked, hits FROM missed
    UNION ALL
    SELECT week, 'precision', 'all', NULL, count(*), count(*) FILTER (WHERE person = 'relevant')
    FROM held_relevant GROUP BY week
    UNION ALL
    SELECT week, 'precision', rule, NULL, count(DISTINCT event_id),
        count(DISTINCT event_id) FILTER (WHERE person = 'relevant')
    FROM of_relevance GROUP BY week, rule
    UNION ALL
    SELECT week, 'precision', term, NULL, count(*), count(*) FILTER (WHERE person = 'relevant')
    FROM of_relevance WHERE term <> '' GROUP BY week, term
    UNION ALL
    SELECT week, 'level_same', 'all', NULL, count(*), count(*) FILTER (WHERE person = machine)
    FROM levels GROUP BY week
    UNION ALL
    SELECT said.week, 'corrections', said.kind, NULL, count(*), count(*) FILTER (WHERE said.person <> said.machine)
    FROM said INNER JOIN weeks ON weeks.week = said.week
    WHERE said.machine IS NOT NULL
    GROUP BY said.week, said.kind
),
rates AS (
    -- Wilson interval; unknown where nothing was judged
    SELECT
        counted.*,
        CAST(hits AS DOUBLE) / nullif(checked, 0) AS value,
        CAST(nullif(checked, 0) AS DOUBLE) AS n,
        width.value AS z
    FROM counted
    INNER JOIN ops.quality_rules AS width ON width.day = $day AND width.parameter = 'z'
),
bounded AS (
    SELECT
        week,
        figure,
        item,
        population,
        checked,
        hits,
        value,
        -- greatest and least take null for no value at all
        CASE WHEN checked > 0 THEN
            greatest(0, (value + z * z / (2 * n) - z * sqrt(value * (1 - value) / n + z * z / (4 * n * n)))
            / (1 + z * z / n))
        END AS low,
        CASE WHEN checked > 0 THEN
            least(1, (value + z * z / (2 * n) + z * sqrt(value * (1 - value) / n + z * z / (4 * n * n)))
            / (1 + z * z / n))
        END AS high
    FROM rates
),
parts AS (
    SELECT bounded.*, CAST(population AS DOUBLE) / sum(population) OVER (PARTITION BY week) AS share
    FROM bounded
    WHERE figure = 'miss_rate'
)
SELECT bounded.*, $as_of AS as_of, $rule_version AS rule_version FROM bounded
UNION ALL
-- all reasons together: each weighs as much as it rejected; interval by the recovery of variances (MOVER: Zou, Huang,
-- Zhang 2009, linear functions of proportions). Unknown until something of every reason was judged.
SELECT
    week,
    'miss_rate',
    'all',
    sum(population),
    sum(checked),
    sum(hits),
    CASE WHEN min(checked) > 0 THEN sum(share * value) END,
    CASE WHEN min(checked) > 0 THEN
        greatest(0, sum(share * value) - sqrt(sum(share * share * (value - low) * (value - low))))
    END,
    CASE WHEN min(checked) > 0 THEN
        least(1, sum(share * value) + sqrt(sum(share * share * (high - value) * (high - value))))
    END,
    $as_of,
    $rule_version
FROM parts
GROUP BY week
UNION ALL
-- agreement beyond chance on the scale of levels, a step of two weighing four times a step of one (Cohen's kappa,
-- quadratic weights); unknown where all levels are the same
SELECT
    week,
    'level_kappa',
    'all',
    NULL,
    count(*),
    count(*) FILTER (WHERE suggested = confirmed),
    1 - sum((suggested - confirmed) * (suggested - confirmed)) / nullif(
        sum(suggested * suggested) + sum(confirmed * confirmed)
        - 2.0 * sum(suggested) * sum(confirmed) / count(*), 0
    ),
    NULL,
    NULL,
    $as_of,
    $rule_version
FROM levels
WHERE suggested IS NOT NULL AND confirmed IS NOT NULL
GROUP BY week
