-- A level anyone can recompute: the same rules as transforms/grade, written a second time, from stored measures.
-- Steps: parameters -> points of each measure -> factors in tenths -> total -> overrides -> level -> answer.
WITH rules AS (
    SELECT
        rule_version,
        max(CASE WHEN parameter = 'weight.C' THEN value END) AS weight_c,
        max(CASE WHEN parameter = 'weight.R' THEN value END) AS weight_r,
        max(CASE WHEN parameter = 'weight.A' THEN value END) AS weight_a,
        max(CASE WHEN parameter = 'weight.S' THEN value END) AS weight_s,
        max(CASE WHEN parameter = 'weight.M' THEN value END) AS weight_m,
        max(CASE WHEN parameter = 'reach.geo' THEN value END) AS weight_geo,
        max(CASE WHEN parameter = 'reach.spread' THEN value END) AS weight_spread,
        max(CASE WHEN parameter = 'reach.persist' THEN value END) AS weight_persist,
        max(CASE WHEN parameter = 'reach.points_per_class' THEN value END) AS points_per_class,
        max(CASE WHEN parameter = 'reach.points_per_day' THEN value END) AS points_per_day,
        max(CASE WHEN parameter = 'attention.highest' THEN value END) AS weight_highest,
        max(CASE WHEN parameter = 'attention.mean' THEN value END) AS weight_mean,
        max(CASE WHEN parameter = 'attention.points_per_decade' THEN value END) AS points_per_decade,
        max(CASE WHEN parameter = 'attention.zero_views' THEN value END) AS zero_views,
        max(CASE WHEN parameter = 'attention.zero_reposts' THEN value END) AS zero_reposts,
        max(CASE WHEN parameter = 'attention.zero_comments' THEN value END) AS zero_comments,
        max(CASE WHEN parameter = 'attention.growth' THEN value END) AS growth,
        max(CASE WHEN parameter = 'attention.growth_docs' THEN value END) AS growth_docs,
        max(CASE WHEN parameter = 'attention.growth_bonus' THEN value END) AS growth_bonus,
        max(CASE WHEN parameter = 'reaction.neg' THEN value END) AS weight_neg,
        max(CASE WHEN parameter = 'reaction.intensity' THEN value END) AS weight_intensity,
        max(CASE WHEN parameter = 'reaction.recur' THEN value END) AS weight_recur,
        max(CASE WHEN parameter = 'reaction.z' THEN value END) AS z,
        max(CASE WHEN parameter = 'reaction.points_per_issue' THEN value END) AS points_per_issue,
        max(CASE WHEN parameter = 'media.points_per_medium' THEN value END) AS points_per_medium,
        max(CASE WHEN parameter = 'media.most_extra' THEN value END) AS most_extra,
        max(CASE WHEN parameter = 'level.general' THEN value END) AS from_general,
        max(CASE WHEN parameter = 'level.larger' THEN value END) AS from_larger,
        max(CASE WHEN parameter = 'level.major' THEN value END) AS from_major,
        max(CASE WHEN parameter = 'level.extreme' THEN value END) AS from_extreme,
        max(CASE WHEN parameter = 'override.strong' THEN value END) AS strong,
        max(CASE WHEN parameter = 'override.strong_c_min_a' THEN value END) AS strong_c_min_a,
        max(CASE WHEN parameter = 'override.strong_s_min_counted' THEN value END) AS strong_s_min_counted,
        max(CASE WHEN parameter = 'override.strong_for_larger' THEN value END) AS strong_for_larger,
        max(CASE WHEN parameter = 'override.strong_for_major' THEN value END) AS strong_for_major,
        max(CASE WHEN parameter = 'override.thin_coverage' THEN value END) AS thin_coverage,
        max(CASE WHEN parameter = 'override.thin_docs' THEN value END) AS thin_docs
    FROM ops.grading_rules
    WHERE day = $day
    GROUP BY rule_version
),
anchors AS (
    -- points of distinct documents: straight lines in log10 between two anchors, constant above the last
    SELECT
        rule_version,
        docs,
        points,
        lead(docs) OVER (PARTITION BY rule_version ORDER BY docs) AS next_docs,
        lead(points) OVER (PARTITION BY rule_version ORDER BY docs) AS next_points
    FROM (
        SELECT rule_version, CAST(substring(parameter, 6) AS DOUBLE) AS docs, value AS points
        FROM ops.grading_rules
        WHERE day = $day AND parameter LIKE 'docs.%'
    ) AS listed
),
flagged AS (
    SELECT raised.issue_no, raised.as_of, raised.rule_version, sum(flag_points.value) AS points
    FROM (
        SELECT DISTINCT issue_no, as_of, rule_version, unnest(flags) AS flag
        FROM graded.issue_grades
        WHERE day = $day
    ) AS raised
    INNER JOIN ops.grading_rules AS flag_points
        ON flag_points.day = $day
        AND flag_points.rule_version = raised.rule_version
        AND flag_points.parameter = 'flag.' || raised.flag
    GROUP BY raised.issue_no, raised.as_of, raised.rule_version
),
measures AS (
    SELECT
        grades.issue_no,
        grades.as_of,
        grades.rule_version,
        grades.tone,
        grades.distinct_docs,
        grades.counted_docs,
        grades.media_tier,
        grades.emergency_level,
        grades.jurisdiction,
        grades.flags,
        grades.facts,
        grades.tone NOT IN ('positive', 'neutral') AS critical,
        topic_points.value AS points_topic,
        coalesce(flagged.points, 0) AS points_flags,
        geo_points.value AS points_geo,
        least(100, grades.source_classes * rules.points_per_class) AS points_spread,
        least(100, grades.active_days * rules.points_per_day) AS points_persist,
        CASE WHEN grades.views IS NOT NULL THEN
            least(100, rules.points_per_decade * log10(greatest(grades.views / rules.zero_views, 1)))
        END AS points_views,
        CASE WHEN grades.reposts IS NOT NULL THEN
            least(100, rules.points_per_decade * log10(greatest(grades.reposts / rules.zero_reposts, 1)))
        END AS points_reposts,
        CASE WHEN grades.comments IS NOT NULL THEN
            least(100, rules.points_per_decade * log10(greatest(grades.comments / rules.zero_comments, 1)))
        END AS points_comments,
        CASE WHEN anchors.next_docs IS NULL THEN anchors.points ELSE
            anchors.points + (anchors.next_points - anchors.points)
            * (log10(CAST(grades.distinct_docs AS DOUBLE)) - log10(anchors.docs))
            / (log10(anchors.next_docs) - log10(anchors.docs))
        END AS points_docs,
        CASE WHEN grades.growth_24h >= rules.growth AND grades.distinct_docs >= rules.growth_docs
            THEN rules.growth_bonus ELSE 0
        END AS points_growth,
        CAST(grades.neg_docs AS DOUBLE) / nullif(grades.counted_docs, 0) AS share,
        CAST(nullif(grades.counted_docs, 0) AS DOUBLE) AS n,
        100 * CAST(grades.emotive_docs AS DOUBLE) / grades.distinct_docs AS points_intensity,
        least(100, grades.same_topic_issues_90d * rules.points_per_issue) AS points_recur,
        tier_points.value AS points_tier,
        CASE WHEN grades.n_media >= 1
            THEN least(rules.most_extra, rules.points_per_medium * (grades.n_media - 1)) ELSE 0
        END AS points_extra_media
    FROM graded.issue_grades AS grades
    INNER JOIN rules ON rules.rule_version = grades.rule_version
    INNER JOIN ops.grading_rules AS topic_points
        ON topic_points.day = $day
        AND topic_points.rule_version = grades.rule_version
        AND topic_points.parameter = 'topic_base.' || grades.topic
    INNER JOIN ops.grading_rules AS geo_points
        ON geo_points.day = $day
        AND geo_points.rule_version = grades.rule_version
        AND geo_points.parameter = 'geo.' || grades.geo
    INNER JOIN ops.grading_rules AS tier_points
        ON tier_points.day = $day
        AND tier_points.rule_version = grades.rule_version
        AND tier_points.parameter = 'media_tier.' || grades.media_tier
    INNER JOIN anchors
        ON anchors.rule_version = grades.rule_version
        AND grades.distinct_docs >= anchors.docs
        AND (anchors.next_docs IS NULL OR grades.distinct_docs < anchors.next_docs)
    LEFT JOIN flagged
        ON flagged.issue_no = grades.issue_no
        AND flagged.as_of = grades.as_of
        AND flagged.rule_version = grades.rule_version
    WHERE grades.day = $day
),
terms AS (
    SELECT
        measures.*,
        -- lower end of the Wilson interval; not used where no tone was counted (n is null)
        100 * greatest(0, (
            share + z * z / (2 * n) - z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        ) / (1 + z * z / n)) AS points_neg,
        greatest(points_views, points_reposts, points_comments, points_docs) AS points_highest,
        coalesce(points_views, 0) + coalesce(points_reposts, 0) + coalesce(points_comments, 0) + points_docs
            AS points_sum,
        1 + CASE WHEN points_views IS NULL THEN 0 ELSE 1 END
        + CASE WHEN points_reposts IS NULL THEN 0 ELSE 1 END
        + CASE WHEN points_comments IS NULL THEN 0 ELSE 1 END AS known
    FROM measures
    INNER JOIN rules ON rules.rule_version = measures.rule_version
),
factors AS (
    SELECT
        terms.*,
        -- half up to whole tenths; the small term keeps a half a half in float64
        floor(10 * least(100, greatest(0, points_topic + points_flags)) + 0.5 + 1e-9) AS c10,
        floor(10 * (
            rules.weight_geo * points_geo + rules.weight_spread * points_spread
            + rules.weight_persist * points_persist
        ) / 100 + 0.5 + 1e-9) AS r10,
        floor(10 * least(
            100,
            (rules.weight_highest * points_highest + rules.weight_mean * points_sum / known) / 100 + points_growth
        ) + 0.5 + 1e-9) AS a10,
        floor(10 * CASE WHEN n IS NULL THEN
            (rules.weight_intensity * points_intensity + rules.weight_recur * points_recur)
            / (rules.weight_intensity + rules.weight_recur)
        ELSE (
            rules.weight_neg * points_neg + rules.weight_intensity * points_intensity
            + rules.weight_recur * points_recur
        ) / 100 END + 0.5 + 1e-9) AS s10,
        floor(10 * least(100, points_tier + points_extra_media) + 0.5 + 1e-9) AS m10
    FROM terms
    INNER JOIN rules ON rules.rule_version = terms.rule_version
),
totals AS (
    SELECT
        factors.*,
        floor((
            rules.weight_c * c10 + rules.weight_r * r10 + rules.weight_a * a10 + rules.weight_s * s10
            + rules.weight_m * m10 + 50
        ) / 100) AS total10,
        CASE WHEN c10 >= 10 * rules.strong - 1e-6 AND a10 >= 10 * rules.strong_c_min_a - 1e-6 THEN 1 ELSE 0 END
        + CASE WHEN r10 >= 10 * rules.strong - 1e-6 THEN 1 ELSE 0 END
        + CASE WHEN a10 >= 10 * rules.strong - 1e-6 THEN 1 ELSE 0 END
        + CASE
            WHEN s10 >= 10 * rules.strong - 1e-6 AND counted_docs >= rules.strong_s_min_counted THEN 1 ELSE 0
        END
        + CASE WHEN m10 >= 10 * rules.strong - 1e-6 AND critical THEN 1 ELSE 0 END AS strong_factors
    FROM factors
    INNER JOIN rules ON rules.rule_version = factors.rule_version
),
conditions AS (
    SELECT
        totals.*,
        CASE
            WHEN total10 >= round(10 * rules.from_extreme) THEN 4
            WHEN total10 >= round(10 * rules.from_major) THEN 3
            WHEN total10 >= round(10 * rules.from_larger) THEN 2
            WHEN total10 >= round(10 * rules.from_general) THEN 1
            ELSE 0
        END AS rank_by_score,
        CASE
            WHEN strong_factors >= rules.strong_for_major THEN 3
            WHEN strong_factors >= rules.strong_for_larger THEN 2
            ELSE 0
        END AS rank_o9,
        emergency_level IN ('major', 'extreme') AS o1,
        media_tier = 'central' AND list_contains(facts, 'names_bureau') AND critical AS o2a,
        media_tier = 'province' AND list_contains(facts, 'names_bureau') AND critical AS o2b,
        list_contains(facts, 'superior_orders') AS o3,
        list_contains(facts, 'leader_instruction') AS o4,
        list_contains(flags, 'alleges_leak')
        OR (list_contains(flags, 'alleges_fabrication') AND list_contains(facts, 'names_unit')) AS o5,
        list_contains(flags, 'impostor_fraud') AS o6,
        list_contains(facts, 'offline_collective') AS o7,
        list_contains(facts, 'second_wave') AS o8,
        known / 4.0 < rules.thin_coverage AND distinct_docs <= rules.thin_docs AS thin,
        list_contains(facts, 'official_notice') OR (
            jurisdiction IN ('city', 'province', 'national')
            AND NOT list_contains(facts, 'names_bureau')
            AND NOT list_contains(facts, 'local_board')
            AND NOT list_contains(facts, 'superior_orders')
        ) AS background
    FROM totals
    INNER JOIN rules ON rules.rule_version = totals.rule_version
),
ranks AS (
    SELECT
        conditions.*,
        least(4, greatest(
            rank_by_score,
            rank_o9,
            CASE WHEN o1 OR o2a OR o7 THEN 3 WHEN o2b OR o3 OR o4 OR o5 OR o6 THEN 2 ELSE 0 END
        ) + CASE WHEN o8 THEN 1 ELSE 0 END) AS rank_raised,
        o1 OR o2a OR o2b OR o3 OR o4 OR o5 OR o6 OR o7 OR o8 AS any_o1_to_o8
    FROM conditions
),
capped AS (
    SELECT
        ranks.*,
        thin AND NOT any_o1_to_o8 AS o10,
        jurisdiction = 'other' AS o11,
        background AND NOT o1 AS o12
    FROM ranks
),
levels AS (
    SELECT
        capped.*,
        CASE rank_by_score
            WHEN 0 THEN 'log_only' WHEN 1 THEN 'general' WHEN 2 THEN 'larger' WHEN 3 THEN 'major' ELSE 'extreme'
        END AS level_by_score,
        CASE
            WHEN o11 THEN 'refer_out'
            WHEN o12 THEN 'context'
            WHEN rank_raised = 0 THEN 'log_only'
            WHEN rank_raised = 1 THEN 'general'
            WHEN rank_raised = 2 OR o10 THEN 'larger'
            WHEN rank_raised = 3 THEN 'major'
            ELSE 'extreme'
        END AS level,
        -- in the order of their listing; those that did not fire are null and leave no trace
        concat_ws(
            ',',
            CASE WHEN rank_o9 > 0 THEN 'O9' END,
            CASE WHEN o1 THEN 'O1' END,
            CASE WHEN o2a THEN 'O2a' END,
            CASE WHEN o2b THEN 'O2b' END,
            CASE WHEN o3 THEN 'O3' END,
            CASE WHEN o4 THEN 'O4' END,
            CASE WHEN o5 THEN 'O5' END,
            CASE WHEN o6 THEN 'O6' END,
            CASE WHEN o7 THEN 'O7' END,
            CASE WHEN o8 THEN 'O8' END,
            CASE WHEN o10 THEN 'O10' END,
            CASE WHEN o12 THEN 'O12' END,
            CASE WHEN o11 THEN 'O11' END
        ) AS overrides,
        ((o2a OR o2b) AND tone = 'unknown') OR o7 OR (o10 AND rank_raised > 2) AS needs_review,
        o1 OR o2a OR o2b OR o3 OR o4 OR o5 OR o6 AS answer_owed,
        list_contains(flags, 'key_category') AS key_category,
        list_contains(flags, 'specific_checkable') OR list_contains(flags, 'pure_question') AS answerable,
        list_contains(facts, 'official_channel') AS asked
    FROM capped
),
answers AS (
    SELECT
        levels.*,
        known / 4.0 AS coverage,
        answer_owed OR o7 OR key_category AS sensitive,
        CASE
            WHEN level = 'refer_out' THEN 'refer_out'
            WHEN level = 'context' AND NOT asked THEN 'log_only'
            WHEN key_category OR answer_owed OR level IN ('major', 'extreme') THEN 'must'
            WHEN level = 'larger' OR (level = 'general' AND answerable) OR asked THEN 'should'
            ELSE 'log_only'
        END AS response_value
    FROM levels
)
SELECT
    grades.issue_no,
    grades.as_of,
    grades.rule_version,
    grades.total,
    answers.total10 / 10 AS total_recomputed,
    grades.level,
    answers.level AS level_recomputed,
    coalesce(
        round(10 * grades.C) = answers.c10
        AND round(10 * grades.R) = answers.r10
        AND round(10 * grades.A) = answers.a10
        AND round(10 * grades.S) = answers.s10
        AND round(10 * grades.M) = answers.m10
        AND round(10 * grades.total) = answers.total10
        AND grades.coverage = answers.coverage
        AND grades.level_by_score = answers.level_by_score
        AND grades.level = answers.level
        AND array_to_string(grades.overrides, ',') = answers.overrides
        AND grades.needs_review = answers.needs_review
        AND grades.response_value = answers.response_value
        AND grades.sensitive = answers.sensitive,
        FALSE
    ) AS agrees
FROM graded.issue_grades AS grades
LEFT JOIN answers
    ON answers.issue_no = grades.issue_no
    AND answers.as_of = grades.as_of
    AND answers.rule_version = grades.rule_version
WHERE grades.day = $day
