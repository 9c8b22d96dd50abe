"""What may go on is a subset of what came, and only of known form."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.reduce import GITHUB, JENKINS, subset

KEYS = sorted({*GITHUB, *JENKINS, *JENKINS["build"], "full_name", "COMMIT", "TRACE", "x"})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.from_regex(r"\A[0-9a-f]{40}\Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
)


def is_subset(kept: object, given: object) -> bool:
    if isinstance(kept, dict):
        return isinstance(given, dict) and all(k in given and is_subset(v, given[k]) for k, v in kept.items())
    return kept is given or kept == given


@given(VALUES)
def test_the_reduced_event_is_a_subset_without_template_or_shell(value):
    for shape in (GITHUB, JENKINS):
        kept = subset(value, shape)
        assert not kept or is_subset(kept, value)
        strings = json.dumps(kept, ensure_ascii=False)
        assert not re.search(r"\{\{|\{%|\{#|<%|[;`$\n\x00-\x1f]", strings)
