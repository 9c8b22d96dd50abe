"""Returns what it is given, in several ways."""

import os
import sys
import time

import probe_words
from st2common.runners.base_action import Action


class Echo(Action):
    """Returns its value as `how` says."""

    def run(self, value, how, **more):
        return getattr(self, "_" + how)(value, more)

    def _plain(self, value, more):
        return value

    def _pair(self, value, more):
        return True, value

    def _refuse(self, value, more):
        return False, {"error": value}

    def _raise(self, value, more):
        raise ValueError(value)

    def _object(self, value, more):
        return {"value": value, "config": self.config, "word": probe_words.WORD, **more}

    def _odd(self, value, more):
        return probe_words.Odd()

    def _exit(self, value, more):
        sys.exit(int(value))

    def _print(self, value, more):
        for number in range(more["count"]):
            sys.stdout.write(f"{value} {number}\n")
        sys.stderr.write("to stderr\n")
        return None

    def _flood(self, value, more):
        for _ in range(more["count"]):
            sys.stdout.write("x" * 1048575 + "\n")
        return "flooded"

    def _fork(self, value, more):
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        return "forked"

    def _environment(self, value, more):
        names = sorted(name for name in os.environ if name.startswith("ST2_ACTION_"))
        return {"names": names, "path": sys.path, "argv": sys.argv, "executable": sys.executable}

    def _stdin(self, value, more):
        return sys.stdin.read()

    def _log(self, value, more):
        self.logger.info("said %s", value)
        return "logged"

    def _key(self, value, more):
        self.action_service.set_value("probe", value, local=False)
        self.action_service.set_value("mine", value)
        found = self.action_service.get_value("probe", local=False)
        names = [one.name for one in self.action_service.list_values(local=True)]
        self.action_service.delete_value("mine")
        return {"found": found, "names": names, "missing": self.action_service.get_value("nothing")}

    def _sleep(self, value, more):
        time.sleep(float(value))
        return "slept"

    def _kill(self, value, more):
        os.kill(os.getpid(), int(value))
