-- Training of the year so far; of a training that was imported again with other figures, the last import.
SELECT
    held_on,
    topic,
    unit,
    hours,
    participants,
    $as_of AS as_of
FROM ops.training
WHERE day <= $day AND held_on BETWEEN date_trunc('year', $day) AND $day
QUALIFY row_number() OVER (PARTITION BY held_on, topic, unit ORDER BY imported_at DESC, row_id) = 1
