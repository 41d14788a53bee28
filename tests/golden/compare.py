"""Golden files: what a paper said when a person last looked at it. CAIFENG_UPDATE_GOLDEN=1 accepts a change."""

import os
from pathlib import Path

_HERE = Path(__file__).parent


def assert_golden(name: str, text: str) -> None:
    """Compare with tests/golden/<name>; a missing file is a failure, not a first version."""
    path = _HERE / name
    if os.environ.get("CAIFENG_UPDATE_GOLDEN"):
        path.write_text(text, "utf8")
    assert path.exists(), f"{path} is missing; CAIFENG_UPDATE_GOLDEN=1 writes it"
    assert text == path.read_text("utf8")
