"""A project is removed: shown, refused while it is at work, and taken out of each place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Mapping

from cicd import project_files
from cicd.ci.run import OPEN
from cicd.ci.runs import Runs
from cicd.clients.consul import Item as ConsulItem
from cicd.config import Settings
from cicd.errors import ConfigError, Refused
from cicd.onboarding import membership, plan, wanted
from cicd.onboarding.adding import said, taken_away
from cicd.onboarding.journal import Journal, alone
from cicd.onboarding.membership import as_administrator
from cicd.onboarding.places import look_back
from cicd.onboarding.plan import Plan
from cicd.onboarding.wanted import Request, Wanted
from cicd.store.deploy_lock import held
from cicd.store.store import Store

HEALTH = "/health"


@dataclass(frozen=True)
class Removal:
    """A project that *who* removes by *execution*, from the configuration *given*."""

    settings: Settings
    given: Mapping[str, object]
    name: str
    who: str
    execution: str
    serving: bool = False  # also when a production ring is wanted to run a version
    keep_history: bool = False
    uninstall: bool = False

    def plan(self) -> Plan:
        """Return what would be removed; Refused while the project is at work, or others need it."""
        return self._plan(self._wanted())

    def remove(self) -> Plan:
        """Remove it, and return what that was; what a killed run left is removed, too."""
        with alone(self.settings, self.name, self.who, self.execution):
            asked = self._wanted()
            found, journal = self._plan(asked), Journal(Store(self.settings), self.name)
            self._refuse_at_work(asked)  # to look everywhere took a while
            journal.begin(asked.request, self.who)
            stuck = taken_away(found.change)
            if stuck:
                done = [item.what for item in found.change if item not in [one for one, _ in stuck]]
                raise Refused(
                    f"{self.name} was removed only in part. {said(done, stuck)}",
                    f"Correct that, then: st2 run cicd.remove_project project={self.name} apply=true",
                    stuck=[item.what for item, _ in stuck],
                )
            journal.forget()
            return found

    def _plan(self, asked: Wanted) -> Plan:
        self._refuse_needed(asked.settings)  # read now: another project may be there since
        self._refuse_at_work(asked)
        return plan.to_remove(look_back(asked, self.keep_history))

    def _wanted(self) -> Wanted:
        found = wanted.known(self.given, self.name, self._request())
        return replace(found, uninstall=self.uninstall)

    def _request(self) -> Request:
        """Return what there is to remove: what the file and Consul say, and what was written down."""
        written = Journal(Store(self.settings), self.name).read().get("request")
        if written and self.name not in self.settings.projects:
            return written
        self.settings.project(self.name)
        files = project_files.read(self.settings.projects_dir, ())
        definition = next((dict(file.values) for file in files if file.name == self.name), {})
        asked = written or Request(health=HEALTH, unit="")
        hosts, port = membership.by_ring(self.settings, self.name), membership.port(self.settings, self.name)
        before = asked.get("hosts", {})  # one that is off, or moved, has its files still
        both = {ring: [*before.get(ring, []), *hosts.get(ring, [])] for ring in {**before, **hosts}}
        return {**asked, "definition": definition, "hosts": both, "port": asked.get("port", port)}

    def _refuse_needed(self, settings: Settings) -> None:
        by = [one.name for one in settings.projects.values() if self.name in one.requires]
        told = [one.name for one in settings.notices if self.name in one.projects]
        if by or told:
            what = f"`projects.{by[0]}.requires`" if by else f"the target {told[0]} of `notices`"
            raise ConfigError(f"{what} names {self.name}.", "Remove it there first, then try again.")

    def _refuse_at_work(self, asked: Wanted) -> None:
        store, project = Store(as_administrator(asked.settings)), asked.project
        locks: Mapping[str, ConsulItem] = {
            item["Key"]: item for item in store.items(f"cicd/{self.name}/lock/")
        }
        busy = [ring for ring in project.lifecycle.names if held(locks, self.name, ring).session]
        if busy:
            raise Refused(f"{self.name} is being deployed to {busy[0]}.", "Wait for it, then try again.")
        building = [commit for commit, run in Runs(store, self.name).every().items() if run.stage in OPEN]
        if building:
            raise Refused(f"{self.name} is being built at {building[0][:7]}.", "Wait for it, then try again.")
        release = store.release(self.name)
        wanted_by = {ring: release.ring(ring).wanted for ring in project.lifecycle.productions}
        serving = [f"{ring} runs {build.version}" for ring, build in wanted_by.items() if build]
        if serving and not self.serving:
            raise Refused(
                f"{self.name} serves users: {', '.join(serving)}.",
                f"If that is meant: st2 run cicd.remove_project project={self.name} serving=true",
            )
