"""The only reasons for which a test is left out: it needs what no package registry has."""

import shutil

import pytest

FPM = "needs FPM, which no registry has; put fpm on PATH"
FREIGHT = "needs Freight, which no registry has; put freight on PATH"
REASONS = {FPM, FREIGHT}
needs_fpm = pytest.mark.skipif(not shutil.which("fpm"), reason=FPM)
needs_freight = pytest.mark.skipif(not shutil.which("freight"), reason=FREIGHT)
