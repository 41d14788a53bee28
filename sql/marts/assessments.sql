-- Reward and blame of units in the year; of an entry imported again with another basis or points, the last import.
SELECT
    period,
    unit,
    kind,
    reason,
    basis,
    points,
    $as_of AS as_of
FROM ops.assessments
WHERE day <= $day AND period[1:4] = strftime($day, '%Y')
QUALIFY row_number() OVER (PARTITION BY period, unit, kind, reason ORDER BY imported_at DESC, row_id) = 1
