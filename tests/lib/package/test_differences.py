"""How two packages of one commit differ is said file by file."""

import base64

from cicd.package.differences import Entry, between, parsed

FILE = Entry("f", "644", "1700000000", "", "a" * 64)
NAMES = ("build1", "build2")


def listed(*entries: tuple[str, Entry]) -> str:
    words = "".join(f"{path}\0{e.kind}\0{e.mode}\0{e.time}\0{e.target}\0" for path, e in entries)
    digests = "".join(f"{e.content}  {path}\0" for path, e in entries if e.content)
    encoded = (base64.b64encode(text.encode()).decode() for text in (words, digests))
    return "entries={}\ndigests={}\n".format(*encoded)


def test_what_a_package_contains_is_read_with_whatever_names_it_has():
    link = Entry("l", "777", "1700000000", "../x  y", "")

    assert parsed(listed(("opt/a  b=c", FILE), ("opt/l", link))) == {"opt/a  b=c": FILE, "opt/l": link}
    assert parsed(listed()) == {}


def test_each_path_is_named_with_what_is_different():
    one = {"same": FILE, "mode": FILE, "gone": FILE, "both": FILE}
    other = {
        "same": FILE,
        "mode": FILE._replace(mode="755"),
        "new": FILE,
        "both": FILE._replace(time="1", content="b" * 64),
    }

    assert list(between(one, other, NAMES)) == [
        "both (time, content)",
        "gone (only on build1)",
        "mode (mode)",
        "new (only on build2)",
    ]
    assert list(between(one, one, NAMES)) == []
