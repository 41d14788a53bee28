"""What is missing is named before anything starts."""

import os
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from caifeng.cli import app
from caifeng.core.settings import Settings
from caifeng.jobs.check import check_configuration, lake_faults
from caifeng.jobs.start_check import NEEDED, SECRETS, start_faults, start_warnings
from tests.s3_server import KEY_ID, SECRET, s3_server

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def complete(tmp_path, monkeypatch):
    """An environment in which nothing is missing."""
    subprocess.run([ROOT / "docker" / "make-secrets.sh", tmp_path / "secrets"], check=True, capture_output=True)
    (tmp_path / "home").mkdir()
    given = {
        **dict.fromkeys(NEEDED, "set"),
        "CAIFENG_HOME": str(tmp_path / "home"),
        "CAIFENG_CONFIG": str(ROOT / "config"),
        "CAIFENG_REGISTER_URL": f"sqlite:///{tmp_path / 'register.db'}",
        "SECRETS_DIR": str(tmp_path / "secrets"),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given


def test_nothing_is_missing(complete):
    assert start_faults(complete) == []


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_setting_is_named(complete, name):
    assert [fault for fault in start_faults({**complete, name: ""}) if fault.startswith(f"{name}: not set")]


@pytest.mark.parametrize("name", SECRETS)
def test_a_missing_or_empty_secret_is_named_with_its_file(complete, tmp_path, name):
    file = tmp_path / "secrets" / name
    file.chmod(0o600)
    file.write_text("\n")
    assert start_faults(complete) == [f"secret {name}: {file} is empty (docker/make-secrets.sh makes it)"]
    file.unlink()
    assert start_faults(complete) == [f"secret {name}: {file} is missing (docker/make-secrets.sh makes it)"]


def test_a_home_that_cannot_be_written_and_a_configuration_that_is_none(complete, tmp_path, monkeypatch):
    monkeypatch.setenv("CAIFENG_HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("CAIFENG_CONFIG", str(tmp_path / "empty"))
    faults = start_faults(complete)
    assert [fault.split(":")[0] for fault in faults] == ["CAIFENG_CONFIG", "CAIFENG_HOME"]


def test_a_register_that_cannot_be_reached_is_named_without_its_password(complete, monkeypatch):
    monkeypatch.setenv("CAIFENG_REGISTER_URL", "postgresql://register:s3cret@127.0.0.1:9/register")
    faults = start_faults(complete)
    assert len(faults) == 1
    assert faults[0].startswith("CAIFENG_REGISTER_URL: ")
    assert "s3cret" not in faults[0]


@pytest.fixture
def bucket(complete, monkeypatch):
    """A lake in a bucket, its keys in files."""
    with s3_server() as server:
        for name in list(os.environ):
            if name.startswith("AWS_"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("CAIFENG_LAKE", "s3://lake/home")
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.address)
        folder = Path(complete["SECRETS_DIR"])
        for name, secret, value in (
            ("AWS_ACCESS_KEY_ID", "s3_access_key", KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", "s3_secret_key", SECRET),
        ):
            (folder / secret).chmod(0o600)
            (folder / secret).write_text(value)
            monkeypatch.setenv(f"{name}_FILE", str(folder / secret))
        yield server


def test_a_lake_in_a_bucket_is_tried(bucket, monkeypatch):
    assert lake_faults(Settings.load()) == []
    assert bucket.objects == {}
    bucket.heeds_conditions = False
    said = check_configuration(Settings.load())
    assert [("If-None-Match" in said[0]), "If-Match" in said[1]] == [True, True]
    assert all(fault.startswith("CAIFENG_LAKE: s3://lake/home") for fault in said)


def test_a_bucket_that_refuses_or_has_no_keys_is_named_without_them(bucket, monkeypatch):
    bucket.fault = lambda _method, _key: 403
    (fault,) = lake_faults(Settings.load())
    assert fault.startswith("CAIFENG_LAKE: s3://lake/home")
    assert SECRET not in fault
    monkeypatch.delenv("AWS_ACCESS_KEY_ID_FILE")
    assert lake_faults(Settings.load())[0].startswith("AWS_ACCESS_KEY_ID: not set")


def test_check_says_what_a_deployment_lacks(complete, monkeypatch):
    run = CliRunner().invoke(app, ["check", "--deploy"])
    assert (run.exit_code, run.stdout) == (0, "configuration is in order\n"), run.stderr
    monkeypatch.delenv("AIRFLOW__CORE__EXECUTOR")
    assert CliRunner().invoke(app, ["check"]).exit_code == 0
    run = CliRunner().invoke(app, ["check", "--deploy"])
    assert run.exit_code == 2
    assert "AIRFLOW__CORE__EXECUTOR: not set" in run.stderr


def test_a_clock_that_stands_still_and_an_example_contact_are_said(complete, monkeypatch):
    monkeypatch.setenv("CAIFENG_AS_OF", "2026-11-20T23:50:00+08:00")
    said = "\n".join(start_warnings(Settings.load()))
    assert "CAIFENG_AS_OF" in said
    assert "office.contact" in said
