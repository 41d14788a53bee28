"""clean.posts of a day -> graded.posts and the irrelevant ones as rejects; pages of other regions -> ops.practices."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from itertools import chain
from pathlib import Path

import polars as pl

from caifeng.core.model.office import Office
from caifeng.core.model.practices import PracticeRules
from caifeng.core.model.taxonomy import Taxonomy
from caifeng.core.model.terms import BODY_NAMES
from caifeng.core.settings import load_model
from caifeng.jobs.base import Env, JobReport
from caifeng.jobs.gates import gated_replace
from caifeng.jobs.quality import judged_by_people
from transforms.parts import PIECE_ROWS
from transforms.understand.practices import note_practices
from transforms.understand.understand import Understood
from transforms.understand.understand import understand as understand_posts

#: Part of ops.practices that is found, beside those that sheets bring.
_PEERS = "peers"


def understand(env: Env, day: date, as_of: datetime, work: Callable[..., Understood] = understand_posts) -> JobReport:
    """Find what concerns statistics work, and what it is about; `work`: by another engine."""
    taxonomy, office = env.settings.taxonomy(), env.settings.office()
    judged = judged_by_people(env, day, as_of)
    peers = env.lake.read("ops.sources", day).filter(pl.col("peer_region").is_not_null())
    theirs: list[pl.DataFrame] = []
    posts = _without(env.lake.pieces("clean.posts", day, PIECE_ROWS), peers["source_id"], theirs)
    understood = work(chain(posts, [judged.taken_in]), taxonomy, office, env.settings.stance(), judged.judgements)
    rejects = understood.rejects
    noted = 0
    if theirs:
        rules = load_practices(env.settings.config)
        practices = note_practices(pl.concat(theirs), peers, taxonomy, rules, day, as_of)
        env.lake.replace("ops.practices", day, practices.noted, _PEERS)
        rejects = pl.concat([rejects, practices.rejects.select(rejects.columns)]).sort("post_id")
        noted = practices.noted.height
    gated_replace(env, "graded.posts", day, understood.posts)
    gated_replace(env, "clean.rejects", day, rejects, "understand")
    env.lake.replace("ops.topics", day, _topics_frame(taxonomy, office))
    counts = {
        "posts": understood.posts.height + rejects.height,
        "relevant": understood.posts.height,
        "rejected": rejects.height,
        "practices": noted,
    }
    return JobReport("understand", day, as_of, counts)


def load_practices(config: Path) -> PracticeRules:
    """Read config/practices.toml; without the file, as in a home made before there was one, nothing is noted.

    Raises:
        ConfigError: the file breaks the model.
    """
    path = config / "practices.toml"
    return load_model(path, PracticeRules) if path.exists() else PracticeRules()


def _without(pieces: Iterable[pl.DataFrame], peers: pl.Series, theirs: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The pieces without the posts of other regions, which are put into `theirs`."""
    for piece in pieces:
        of_peers = piece["source_id"].is_in(peers.implode())
        if of_peers.any():
            theirs.append(piece.filter(of_peers))
            yield piece.filter(~of_peers)
        else:
            yield piece


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
