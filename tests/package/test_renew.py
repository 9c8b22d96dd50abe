"""An index that ends is signed anew through StackStorm's API, and the checkup says how it stands."""

import os

import pytest

from cicd.setup.host_checks import HostCheckup
from cicd.store.store import Store
from tests.package.publishing import deb

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can end all that runs on a host at once")


def renewed(site) -> list[str]:
    ended = site.rest.wait(site.rest.start("cicd.renew_index")["id"], seconds=180)
    assert ended["status"] == "succeeded", ended["result"]
    return ended["result"]["result"]["renewed"]


def checked(site) -> str:
    found = HostCheckup(site.settings, Store(site.settings)).repository()
    return next(finding.line for finding in found if finding.what == "APT index bookworm")


def test_only_what_is_due_is_signed_anew_and_the_checkup_names_what_has_ended(site, repository, tmp_path):
    repository.days = -1
    assert repository.publish(deb(tmp_path, "old", "1.0-1.abcdef0")).returncode == 0
    ended = checked(site)

    assert "ended 24 hours ago" in ended
    assert "st2 run cicd.renew_index" in ended
    assert renewed(site) == ["bookworm"]
    assert renewed(site) == []
    assert "is valid for 7.0 days" in checked(site)
