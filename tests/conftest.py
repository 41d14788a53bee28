"""Fixtures shared by all tests. Nothing here knows of Airflow."""

import os
import shutil
from pathlib import Path

import hypothesis
import pytest

# A busy machine fails no test: properties hold or not, however long an example takes.
hypothesis.settings.register_profile(
    "caifeng", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("caifeng")
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch, tmp_path):
    """Tests neither see nor touch the developer's data."""
    for name in [name for name in os.environ if name.startswith("CAIFENG_") and name != "CAIFENG_UPDATE_GOLDEN"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CAIFENG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAIFENG_CONFIG", str(ROOT / "config"))


@pytest.fixture
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture
def config_copy(tmp_path) -> Path:
    """A configuration folder that a test may break."""
    return Path(shutil.copytree(ROOT / "config", tmp_path / "config"))
