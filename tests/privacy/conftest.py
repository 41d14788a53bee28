"""One lived day for all tests of privacy; each works on a copy."""

import shutil
from pathlib import Path

import pytest

from caifeng.jobs.base import Env
from tests.privacy import homes


@pytest.fixture(scope="session")
def day_home(tmp_path_factory: pytest.TempPathFactory) -> Env:
    """A home after one whole day; not to be changed."""
    base = tmp_path_factory.mktemp("privacy")
    config = Path(shutil.copytree(Path(__file__).resolve().parents[2] / "config", base / "config"))
    return homes.lived(config, base / "home", base / "in")


@pytest.fixture
def env(day_home: Env, tmp_path: Path) -> Env:
    """A copy of it."""
    return homes.copy_of(day_home, tmp_path / "own")
