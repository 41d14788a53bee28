"""The threat model names code and tests that exist."""

import re

_ROW = re.compile(r"^\| [^|]+ \| `([^`]+)` \| `([^`]+)` \|$", re.M)


def test_every_guard_and_its_test_exist(root):
    rows = _ROW.findall((root / "docs" / "threat-model.md").read_text("utf8"))
    assert len(rows) >= 25
    missing = []
    for guard, test in rows:
        for place, head in ((guard, ""), (test, "def ")):
            path, _, name = place.partition("::")
            file = root / path
            if not file.is_file() or (name and f"{head}{name}" not in file.read_text("utf8")):
                missing.append(place)
    assert missing == []
