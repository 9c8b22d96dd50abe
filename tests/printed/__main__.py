"""`python -m tests.printed`: every printed command, and what is done with it, as JSON."""

import json
import sys

from tests.printed import plan
from tests.printed.checks import parameters_of
from tests.printed.commands import printed

commands = {
    command.line: {
        "words": command.words,
        "spoken": command.spoken,
        "printed": command.printed,
        "parameters": parameters_of(command),
    }
    for command in printed()
}
done = {
    "in_the_lab": plan.in_the_lab(),
    "not_run_here": plan.not_run_here(),
    "summary": plan.summary(),
}
json.dump({"commands": commands, **done}, sys.stdout)
