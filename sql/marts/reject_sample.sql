-- Posts of the week so far that were held irrelevant, drawn for a person to look at. The draw is a hash of week and
-- post, so that the same week gives the same sample, whoever asks; the reasons take turns, so that rare ones are looked
-- at, too. Marts hold no text: title and excerpt are read from clean.rejects while they live.
WITH rejected AS (
    SELECT source_id, post_id, reason, day AS rejected_on
    FROM clean.rejects
    WHERE
        stage = 'understand'
        AND reason NOT IN ('judged', 'peer')
        AND day BETWEEN CAST(date_trunc('week', $day) AS DATE) AND $day
    UNION ALL
    -- taken in by a person on the day it came: the rules had rejected it all the same
    SELECT
        source_id,
        post_id,
        regexp_extract(evidence[1], '^label:(\w+)#', 1) AS reason,
        CAST(timezone('Asia/Shanghai', first_fetched_at) AS DATE) AS rejected_on
    FROM graded.posts
    WHERE
        reason = 'judged'
        AND day BETWEEN CAST(date_trunc('week', $day) AS DATE) AND $day
        AND CAST(timezone('Asia/Shanghai', first_fetched_at) AS DATE) >= CAST(date_trunc('week', $day) AS DATE)
),
once AS (
    SELECT post_id, min(source_id) AS source_id, min(reason) AS reason, min(rejected_on) AS rejected_on
    FROM rejected
    GROUP BY post_id
),
drawn AS (
    SELECT
        once.*,
        count(*) OVER (PARTITION BY reason) AS of_reason,
        row_number() OVER (
            PARTITION BY reason ORDER BY md5(strftime($day, '%G-W%V') || post_id), post_id
        ) AS turn
    FROM once
),
placed AS (
    SELECT drawn.*, row_number() OVER (ORDER BY turn, reason) AS place
    FROM drawn
)
SELECT
    strftime($day, '%G-W%V') AS week,
    placed.post_id,
    placed.place,
    placed.source_id,
    sources.name AS source_name,
    placed.reason,
    placed.rejected_on,
    placed.of_reason,
    $as_of AS as_of
FROM placed
INNER JOIN ops.quality_rules AS size ON size.day = $day AND size.parameter = 'sample_size'
LEFT JOIN ops.sources AS sources ON sources.day = placed.rejected_on AND sources.source_id = placed.source_id
WHERE placed.place <= size.value
