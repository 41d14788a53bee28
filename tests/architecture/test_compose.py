"""The containers: what is said in docker-compose.yml holds together; nothing here needs a container engine."""

import os
import re
import shutil
import subprocess
import tomllib
from importlib.metadata import distribution

import pytest
import yaml

OWN = ("init", "api-server", "scheduler", "dag-processor", "triggerer", "worker")
BOUGHT = ("postgres", "redis")
#: Started on request only; service -> profile.
ON_REQUEST = {"s3": "s3", "town": "town"}
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)((?: ;[^\\]*)?)", re.MULTILINE)


@pytest.fixture
def compose(root):
    return yaml.safe_load((root / "docker-compose.yml").read_text("utf8"))


@pytest.fixture
def services(compose):
    assert set(compose["services"]) == {*OWN, *BOUGHT, *ON_REQUEST}
    return compose["services"]


def env_file(path):
    lines = [line for line in path.read_text("utf8").splitlines() if line.strip() and not line.startswith("#")]
    assert lines
    return dict(line.split("=", 1) for line in lines)


def pins(path):
    """(package, environment marker) -> version."""
    found = {(name, marker.strip()): version for name, version, marker in _PIN.findall(path.read_text("utf8"))}
    assert len(found) > 150
    return found


def test_no_version_key_and_one_image_of_our_own(compose, services):
    assert "version" not in compose
    assert len({services[name]["image"] for name in OWN}) == 1
    assert not services["init"]["image"].endswith(":latest")
    assert services["postgres"]["image"].startswith("postgres:16")
    assert all("build" not in services[name] and re.search(r":\d", services[name]["image"]) for name in BOUGHT)


def test_every_service_is_unprivileged_limited_and_checked(services):
    for name, service in services.items():
        assert str(service["user"]).split(":")[0] not in ("root", "0"), name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert "privileged" not in service, name
        assert service["read_only"] is True, name
        assert service["pids_limit"] == 512, name
        assert any(mount.startswith("/tmp:") for mount in service["tmpfs"]), name
        assert service.get("profiles") == ([ON_REQUEST[name]] if name in ON_REQUEST else None), name
        limits = service["deploy"]["resources"]["limits"]
        assert set(limits) == {"cpus", "memory"}, name
        assert service["restart"] == ("no" if name == "init" else "unless-stopped")
        assert ("test" in service["healthcheck"]) != (name == "init"), name


def test_only_the_api_server_is_reached_from_outside_and_only_from_this_machine(services):
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"api-server": ["127.0.0.1:${PORT:-8080}:8080"]}


def test_only_those_who_must_reach_other_machines_can(compose, services):
    assert compose["networks"]["inside"] == {"internal": True}
    outside = {name for name, service in services.items() if "outside" in service.get("networks", [])}
    assert outside == {"api-server", "worker"}  # the town lives in the worker's network
    assert services["town"]["network_mode"] == "service:worker"
    assert all(service["networks"] for name, service in services.items() if name != "town")


def test_nothing_starts_before_what_it_needs(services):
    bases = {name: {"condition": "service_healthy"} for name in BOUGHT}
    assert services["init"]["depends_on"] == bases
    for name in set(OWN) - {"init"}:
        assert services[name]["depends_on"] == {**bases, "init": {"condition": "service_completed_successfully"}}


def test_secrets_are_files_and_every_one_is_made_and_used(compose, services, root, tmp_path):
    used = {secret for service in services.values() for secret in service.get("secrets", [])}
    assert used == set(compose["secrets"])
    assert all(set(entry) == {"file"} for entry in compose["secrets"].values())
    made = make_secrets(root, tmp_path)
    assert set(made) == used
    assert {entry["file"].rpartition("/")[2] for entry in compose["secrets"].values()} == used
    text = (root / "docker" / "entrypoint.sh").read_text("utf8")
    assert all(secret in text for secret in services["api-server"]["secrets"])
    assert services["town"].get("secrets") is None
    for name in ("docker-compose.yml", "docker/cluster.env", "docker/airflow.env"):
        text = (root / name).read_text("utf8")
        assert not re.search(r"(?m)^\s*[A-Z_]*(?:PASSWORD|SECRET|FERNET_KEY)\s*[:=]", text), name


def make_secrets(root, folder):
    subprocess.run([root / "docker" / "make-secrets.sh", folder / "secrets"], check=True, capture_output=True)
    return {path.name: path.read_text() for path in (folder / "secrets").iterdir()}


def test_secrets_are_made_once_long_and_closed_to_others(root, tmp_path):
    first = make_secrets(root, tmp_path)
    assert len(set(first.values())) == len(first) >= 7
    assert re.fullmatch(r"[0-9a-f]{20}", first.pop("s3_access_key"))
    assert re.fullmatch(r"[A-Za-z0-9_-]{86}==", first.pop("jwt_secret"))
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}=", value) for value in first.values())
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    assert make_secrets(root, tmp_path).items() >= first.items()


def test_volumes_are_named_and_configuration_is_read_only(compose, services):
    mounts = [mount for service in services.values() for mount in service.get("volumes", [])]
    assert len(mounts) > 12
    named = {mount.split(":")[0] for mount in mounts if not mount.startswith((".", "$"))}
    assert named == set(compose["volumes"])
    assert all(m.endswith((":ro", ":/data")) for m in mounts if m.startswith((".", "$")))
    seeing_accounts = [n for n, s in services.items() if any("accounts:" in m for m in s.get("volumes", []))]
    assert seeing_accounts == ["init", "api-server"]


def test_every_file_named_exists(services, root):
    for name in OWN:
        for file in services[name]["env_file"]:
            assert (root / file).is_file()
        assert (root / services[name]["build"]["dockerfile"]).is_file()
    allowed = (root / "docker" / "Dockerfile.dockerignore").read_text("utf8")
    for folder in re.findall(r"^!(\S+)$", allowed, re.MULTILINE):
        assert (root / folder).exists() or folder == "plugins", folder
    assert re.search(r"^\*$", allowed, re.MULTILINE)
    assert "!var" not in allowed


def test_paths_agree_between_compose_environment_and_image(services, root):
    cluster = env_file(root / "docker" / "cluster.env")
    image = (root / "docker" / "Dockerfile").read_text("utf8")
    targets = {mount.split(":", 1)[1] for mount in services["worker"]["volumes"] if mount.startswith("home")}
    assert targets == {cluster["CAIFENG_HOME"]}
    assert any(f":{cluster['CAIFENG_CONFIG']}:ro" in mount for mount in services["worker"]["volumes"])
    assert cluster["CAIFENG_HOME"] in image
    assert cluster["AIRFLOW__CORE__DAGS_FOLDER"] == "/opt/caifeng/dags"
    assert "WORKDIR /opt/caifeng" in image
    user = services["worker"]["user"]
    assert f"USER {user}" in image
    assert cluster["ACCOUNTS_FILE"].startswith("/var/lib/accounts/")
    assert (root / "docker" / f"{cluster['AIRFLOW__CORE__AUTH_MANAGER'].partition('.')[0]}.py").is_file()
    assert cluster["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://api-server:8080/execution/"


def test_airflow_knows_every_setting(root):
    files = [f for f in distribution("apache-airflow-core").files or () if f.name == "config.yml"]
    known = yaml.safe_load(files[0].read_text("utf8"))
    text = (root / "docker" / "entrypoint.sh").read_text("utf8")
    settings = {*env_file(root / "docker" / "cluster.env"), *env_file(root / "docker" / "airflow.env")}
    settings |= {name.removesuffix("_CMD") for name in re.findall(r"AIRFLOW__\w+", text)}
    swept = 0
    for section, option in re.findall(r"^AIRFLOW__([A-Z_]+?)__([A-Z_]+)$", "\n".join(settings), re.MULTILINE):
        if section in ("CELERY", "FAB"):  # declared by providers, which are in the image only
            continue
        swept += 1
        assert option.lower() in known[section.lower()]["options"], f"{section}.{option}"
    assert swept > 15


def run_entrypoint(root, folder, *arguments, extra=None):
    """Run the entry point with programs that print how they were called."""
    secrets = make_secrets(root, folder)
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for program in ("airflow", "celery", "caifeng", "python"):
        (programs / program).write_text(f'#!/bin/sh\necho {program} "$@"\nenv >&2\n')
        (programs / program).chmod(0o755)
    return enter(root, folder, *arguments, **(extra or {})), secrets


def enter(root, folder, *arguments, **extra):
    """Run the entry point with the programs and secrets that stand in the folder."""
    return subprocess.run(
        [root / "docker" / "entrypoint.sh", *arguments],
        env={
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "SECRETS_DIR": str(folder / "secrets"),
            "RUNTIME_DIR": str(folder),
            **extra,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "calls"),
    [
        (
            ["init"],
            [
                *("caifeng check --deploy", "airflow db migrate"),
                *("airflow pools import {root}/docker/pools.json", "python {root}/docker/fab_roles.py"),
            ],
        ),
        *((["api-server"], ["airflow api-server"]), (["scheduler"], ["airflow scheduler"])),
        *((["dag-processor"], ["airflow dag-processor"]), (["triggerer"], ["airflow triggerer"])),
        (["worker"], ["airflow celery worker --skip-serve-logs"]),
        (["healthy", "triggerer"], ["airflow jobs check --job-type TriggererJob --local"]),
        (["healthy", "dag-processor"], ["airflow jobs check --job-type DagProcessorJob --local"]),
        (["caifeng", "sources", "list"], ["caifeng sources list"]),
    ],
)
def test_the_entry_point_starts_each_process_and_keeps_secrets_out_of_its_environment(root, tmp_path, arguments, calls):
    done, secrets = run_entrypoint(root, tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [call.format(root=root) for call in calls]
    assert "postgresql+psycopg2://airflow@postgres:5432/airflow" in done.stderr
    assert "CAIFENG_REGISTER_URL=postgresql://register@postgres:5432/register" in done.stderr
    assert "CAIFENG_AIRFLOW_DATABASE=postgresql+psycopg2://airflow@postgres:5432/airflow" in done.stderr
    assert not [name for name, secret in secrets.items() if secret in done.stderr]
    passwords = tmp_path / "pgpass"
    assert passwords.stat().st_mode & 0o077 == 0
    assert passwords.read_text().splitlines() == [
        f"*:*:{name}:{name}:{secrets[f'{name}_db_password']}" for name in ("airflow", "register")
    ]


def test_airflow_gets_each_secret_by_the_command_that_its_environment_names(root, tmp_path):
    done, secrets = run_entrypoint(root, tmp_path, "api-server")
    commands = dict(re.findall(r"(?m)^AIRFLOW__(\w+)_CMD=(.*)$", done.stderr))
    said = {}
    for name, command in commands.items():
        words = command.split()
        assert words[0] == str(root / "docker" / "entrypoint.sh")
        said[name] = run_entrypoint(root, tmp_path, *words[1:])[0].stdout
    assert said == {
        "CELERY__BROKER_URL": f"redis://:{secrets['redis_password']}@redis:6379/0",
        "API_AUTH__JWT_SECRET": secrets["jwt_secret"],
        "CORE__FERNET_KEY": secrets["fernet_key"],
        "API__SECRET_KEY": secrets["session_key"],
    }


#: What opens the accounts of others: it signs logins and tokens, reads sessions and stored connections.
KEYS = {"jwt_secret", "fernet_key", "session_key"}


def test_a_worker_holds_no_key_to_an_account(services, root, tmp_path):
    assert set(services["worker"]["secrets"]) == set(services["api-server"]["secrets"]) - KEYS
    done, secrets = run_entrypoint(root, tmp_path, "worker")
    assert set(secrets) > KEYS
    assert re.findall(r"(?m)^AIRFLOW__(\w+)_CMD=", done.stderr) == ["CELERY__BROKER_URL"]
    unit = (root / "docker" / "systemd" / "caifeng@worker.service.d" / "least-privilege.conf").read_text("utf8")
    first, *loaded = re.findall(r"(?m)^LoadCredential=(\w*)", unit)
    assert first == "", "the list of the template is not emptied"
    assert set(loaded) == set(services["worker"]["secrets"])


def test_a_verb_runs_where_only_a_worker_s_secrets_are(root, tmp_path):
    run_entrypoint(root, tmp_path, "worker")
    for name in KEYS:
        (tmp_path / "secrets" / name).unlink()
    for arguments, code in ((["worker"], 0), (["caifeng", "sources", "list"], 0), (["scheduler"], 1)):
        done = enter(root, tmp_path, *arguments)
        assert done.returncode == code, (arguments, done.stderr)


def test_a_lake_in_a_bucket_gets_its_keys_as_files(root, tmp_path):
    done, secrets = run_entrypoint(root, tmp_path, "worker", extra={"CAIFENG_LAKE": "s3://caifeng/lake"})
    assert f"AWS_SECRET_ACCESS_KEY_FILE={tmp_path}/secrets/s3_secret_key" in done.stderr
    assert secrets["s3_secret_key"] not in done.stderr
    done, _ = run_entrypoint(root, tmp_path, "worker", extra={"CAIFENG_LAKE": "", "CAIFENG_AS_OF": ""})
    assert "AWS_SECRET" not in done.stderr
    assert not re.search(r"(?m)^CAIFENG_(LAKE|AS_OF)=", done.stderr)


@pytest.mark.parametrize("arguments", [[], ["healthy"], ["healthy", "redis"]])
def test_the_entry_point_refuses_what_it_does_not_know(root, tmp_path, arguments):
    done, _ = run_entrypoint(root, tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""


def test_a_missing_secret_is_named_and_nothing_starts(root, tmp_path):
    run_entrypoint(root, tmp_path, "worker")
    (tmp_path / "secrets" / "redis_password").unlink()
    done = enter(root, tmp_path, "worker")
    assert done.returncode == 1
    assert "redis_password" in done.stderr
    assert done.stdout == ""


def test_every_command_and_check_of_the_compose_file_is_one_of_the_entry_points(services, root, tmp_path):
    text = (root / "docker" / "entrypoint.sh").read_text("utf8")
    for name in OWN:
        assert services[name]["command"] == [name]
        assert re.search(rf"(?m)^\s*(?:[a-z-]+ \| )*{name}(?: \| [a-z-]+)*\)", text), name
        if name != "init":
            assert services[name]["healthcheck"]["test"][1:] == ["docker/entrypoint.sh", "healthy", name]


def test_scripts_are_executable_and_parse(root):
    scripts = sorted((root / "docker").glob("*.sh"))
    assert len(scripts) >= 4
    for script in scripts:
        assert os.access(script, os.X_OK), script
        subprocess.run(["bash", "-n", script], check=True)


def test_both_locks_agree(root):
    small, cluster = pins(root / "requirements.lock"), pins(root / "requirements-cluster.lock")
    shared = {package for package, _ in small} & {package for package, _ in cluster}
    assert len(shared) > 150

    def versions(lock, package):
        return {version for (name, _), version in lock.items() if name == package}

    assert {p for p in shared if not versions(cluster, p) <= versions(small, p)} == set()


def test_the_cluster_lock_has_what_a_cluster_needs_and_no_tools_of_developers(root):
    lock = pins(root / "requirements-cluster.lock")
    packages = {package for package, _ in lock}
    project = tomllib.loads((root / "pyproject.toml").read_text("utf8"))["project"]
    own = {re.match(r"[a-z0-9._-]+", line)[0] for line in project["dependencies"]}
    assert len(own) > 20
    assert own - packages == set()
    assert {"celery", "redis", "psycopg2-binary", "apache-airflow", "duckdb", "polars", "scrapy"} <= packages
    assert {"pytest", "ruff", "mypy", "hypothesis"} & packages == set()
    celery = next(version for (package, _), version in lock.items() if package == "celery")
    assert celery.startswith("5.6.")  # 5.7 has no celery.backends.database.retry, which the provider imports
    text = (root / "requirements-cluster.lock").read_text("utf8")
    assert "index-url" not in text
    assert len(re.findall("--hash=sha256:", text)) > 1000


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="no docker-compose on this machine")
def test_docker_compose_reads_it(root, tmp_path):
    make_secrets(root, tmp_path)
    done = subprocess.run(
        ["docker-compose", "--file", root / "docker-compose.yml", "config", "--quiet"],
        env={"PATH": os.environ["PATH"], "CAIFENG_SECRETS": str(tmp_path / "secrets"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
