-- Times that a page states and we do not believe: a person looks, no chart counts them.
SELECT
    posts.post_id,
    posts.source_name,
    posts.url,
    posts.title,
    clean_posts.stated_at,
    clean_posts.date_source,
    clean_posts.date_doubt,
    posts.first_fetched_at,
    $as_of AS as_of
FROM graded.posts AS posts
INNER JOIN clean.posts AS clean_posts ON clean_posts.post_id = posts.post_id AND clean_posts.day = posts.day
WHERE posts.day = $day AND clean_posts.date_doubt IS NOT NULL
