"""What the scheduled review of ended periods covers."""

import pytest

from caifeng.jobs.review_runs import scheduled_reviews
from tests.dags.test_plugin import home, pristine

__all__ = ["home", "pristine"]


@pytest.mark.parametrize(("moment", "reviewed"), [("2026-11-21", set()), ("2026-12-01", {"2026-11"})])
def test_a_period_before_the_first_day_is_left_out(home, monkeypatch, moment, reviewed):
    """The home's first day is 20 November: at its start there is nothing to say of October."""
    monkeypatch.setenv("CAIFENG_AS_OF", f"{moment}T06:00:00+08:00")
    files = scheduled_reviews()
    assert set(files) == reviewed
    assert all(files.values())
    assert {folder.name for folder in (home.outputs_dir / "review").glob("*")} == reviewed


def test_before_anything_was_landed_nothing_is_reviewed(home, monkeypatch, tmp_path):
    monkeypatch.setenv("CAIFENG_HOME", str(tmp_path / "empty"))
    assert scheduled_reviews() == {}
