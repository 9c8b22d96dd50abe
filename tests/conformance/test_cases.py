"""Every row of the table holds, on st2local and on StackStorm."""

from __future__ import annotations

import os

import pytest

from tests.conformance.case import Case, load, run
from tests.conformance.rest import Rest

ENGINE = "stackstorm" if os.environ.get("ST2_API_URL") else "st2local"


@pytest.mark.parametrize("case", load(), ids=lambda case: case.id)
def test_case(case: Case, stackstorm: Rest) -> None:
    if case.only not in (None, ENGINE):
        pytest.skip(f"only {case.only} does this")
    run(case, stackstorm)
