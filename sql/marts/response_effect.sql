-- What changed around the first response: association in time. Small numbers make no figure; an open window none yet.
WITH issues AS (
    SELECT issue_no, title, topic
    FROM graded.issues
    WHERE day <= $day
    QUALIFY row_number() OVER (PARTITION BY issue_no ORDER BY day DESC) = 1
)
SELECT
    counts.issue_no,
    issues.title,
    issues.topic,
    counts.event_id,
    counts.kind,
    counts.url,
    counts.published_at AS responded_at,
    counts.window_ends_at,
    counts.window_complete,
    -- two days after, one before
    CASE
        WHEN counts.window_complete AND counts.voices_before >= counts.least_voices
            THEN round(1 - counts.voices_after / 2.0 / counts.voices_before, 4)
    END AS volume_drop,
    counts.voices_before,
    counts.voices_after,
    CASE
        WHEN counts.window_complete AND least(counts.judged_before, counts.judged_after) >= counts.least_voices
            THEN round(
                100.0 * counts.negative_after / counts.judged_after
                - 100.0 * counts.negative_before / counts.judged_before,
                1
            )
    END AS negative_change,
    counts.judged_before,
    counts.judged_after,
    CASE
        WHEN counts.voices_later >= counts.least_voices THEN round(1.0 * counts.quoting / counts.voices_later, 4)
    END AS quoting_share,
    counts.quoting,
    counts.voices_later,
    counts.questions_new,
    CASE
        WHEN counts.peak_before = 0 THEN NULL
        WHEN counts.peak_after > counts.peak_before THEN true
        WHEN counts.window_complete THEN false
    END AS second_wave,
    counts.peak_before,
    counts.peak_after,
    counts.least_voices,
    '时间上的关联，不证明因果' AS caution,
    $as_of AS as_of,
    $rule_version AS rule_version
FROM graded.response_counts AS counts
LEFT JOIN issues ON issues.issue_no = counts.issue_no
WHERE counts.day = $day
