"""clean.posts of a day -> graded.posts and the irrelevant ones as rejects."""

from collections.abc import Callable
from datetime import date, datetime
from itertools import chain

import polars as pl

from caifeng.core.model.office import Office
from caifeng.core.model.taxonomy import Taxonomy
from caifeng.core.model.terms import BODY_NAMES
from caifeng.jobs.base import Env, JobReport
from caifeng.jobs.gates import gated_replace
from caifeng.jobs.quality import judged_by_people
from transforms.parts import PIECE_ROWS
from transforms.understand.understand import Understood
from transforms.understand.understand import understand as understand_posts


def understand(env: Env, day: date, as_of: datetime, work: Callable[..., Understood] = understand_posts) -> JobReport:
    """Find what concerns statistics work, and what it is about; `work`: by another engine."""
    taxonomy, office = env.settings.taxonomy(), env.settings.office()
    judged = judged_by_people(env, day, as_of)
    posts = chain(env.lake.pieces("clean.posts", day, PIECE_ROWS), [judged.taken_in])
    understood = work(posts, taxonomy, office, env.settings.stance(), judged.judgements)
    gated_replace(env, "graded.posts", day, understood.posts)
    gated_replace(env, "clean.rejects", day, understood.rejects, "understand")
    env.lake.replace("ops.topics", day, _topics_frame(taxonomy, office))
    counts = {
        "posts": understood.posts.height + understood.rejects.height,
        "relevant": understood.posts.height,
        "rejected": understood.rejects.height,
    }
    return JobReport("understand", day, as_of, counts)


def _topics_frame(taxonomy: Taxonomy, office: Office) -> pl.DataFrame:
    names = {unit.id: unit.name for unit in office.units}
    bodies = [topic.competent_body for topic in taxonomy.topics]
    return pl.DataFrame(
        {
            "topic": [topic.id for topic in taxonomy.topics],
            "name": [topic.name for topic in taxonomy.topics],
            "owner_unit": [names.get(topic.owner, topic.owner) for topic in taxonomy.topics],
            "competent_body": [BODY_NAMES.get(body, body) if body else None for body in bodies],
        },
        schema_overrides={"competent_body": pl.String},
    )
