"""What is installed is what was locked."""

import pytest

LOCKS = tuple(f"requirements{name}.lock" for name in ("", "-bench", "-cluster", "-spark"))


def faults(text: str) -> tuple[int, list[str]]:
    """Number of requirements, and those without a hash or with a host."""
    entries = [e for e in text.replace("\\\n", " ").splitlines() if e.strip() and not e.lstrip().startswith("#")]
    bad = [e.split()[0] for e in entries if "--hash=sha256:" not in e or "==" not in e or "://" in e.partition(" #")[0]]
    return len(entries), bad


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_has_hashes_and_no_host(root, lock):
    number, bad = faults((root / lock).read_text("utf8"))
    assert number > 20
    assert bad == []


@pytest.mark.parametrize(
    "line",
    [
        "polars==1.0",
        "polars>=1 --hash=sha256:00",
        "a @ https://x.example/a.whl --hash=sha256:00",
        "--index-url https://x.example",
    ],
)
def test_the_sweep_notices(line):
    assert faults(line) == (1, [line.split()[0]])
