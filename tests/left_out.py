"""The only reasons for which a test is left out: it needs what no package registry has."""

import os
import shutil

import pytest

FPM = "needs FPM, which no registry has; put fpm on PATH"
FREIGHT = "needs Freight, which no registry has; put freight on PATH"
ST2WEB = "needs a built st2web, which no registry has; give its folder in ST2WEB"
REASONS = {FPM, FREIGHT, ST2WEB}
needs_fpm = pytest.mark.skipif(not shutil.which("fpm"), reason=FPM)
needs_freight = pytest.mark.skipif(not shutil.which("freight"), reason=FREIGHT)
needs_st2web = pytest.mark.skipif(not os.environ.get("ST2WEB"), reason=ST2WEB)
