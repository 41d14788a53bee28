-- All that was noted so far; of an entry that was imported again with other words, the last import. What people noted
-- goes before what was found on the page.
SELECT
    $period AS period,
    noted_on,
    noted_on >= CAST($first AS DATE) AS is_new,
    region,
    body,
    title,
    topic,
    outcome,
    form,
    url,
    summary,
    noted_by_role,
    $as_of AS as_of,
    $rule_version AS rule_version
FROM ops.practices
WHERE imported_at <= $as_of AND noted_on <= CAST($day AS DATE)
QUALIFY row_number() OVER (PARTITION BY region, body, title ORDER BY noted_by_role IS NULL, imported_at DESC, row_id) = 1
