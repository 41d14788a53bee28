-- What must be published unasked, overdue first: the day's rows of ops.publications, for documents and analysts.
SELECT
    item,
    period,
    name,
    period_name,
    unit,
    basis,
    page,
    started_on,
    due_on,
    note,
    published_on,
    url,
    found_on,
    source,
    state,
    days_left,
    overdue_days,
    position,
    as_of
FROM ops.publications
WHERE day = $day
