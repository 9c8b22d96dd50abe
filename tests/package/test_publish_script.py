"""The script that publishes, run here with real aptly, Freight where it is, gpg and apt clients."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.package.publishing import FREIGHT_ALONE, KEY, PUBLISHERS, Client, RepositoryHost, deb, run


def test_a_published_package_is_installable_and_its_provenance_signed(host, client, tmp_path):
    done = host.publish(deb(tmp_path, "app", "1.0-1.abcdef0"))
    papers = host.public / "provenance/app/1.0-1.abcdef0"
    signed = [str(papers / name) for name in ("provenance.json.asc", "provenance.json")]
    keyring = tmp_path / "keyring.gpg"
    keyring.write_bytes(
        subprocess.check_output(["gpg", "--dearmor"], input=(tmp_path / "key.asc").read_bytes())
    )

    assert done.returncode == 0, done.stderr
    assert f"driver={host.driver}" in done.stdout
    assert client.update() == ""
    assert client.can_install("app", "1.0-1.abcdef0")
    assert run("gpgv", "--keyring", str(keyring), *signed).returncode == 0
    assert "PUBLIC KEY" in (host.public / "pubkey.gpg").read_text()
    assert not list(host.home.glob(".cicd-incoming-*"))
    assert not list((host.home / ".cicd/incoming").iterdir())


def test_the_same_bytes_again_are_no_change_and_other_bytes_are_refused(host, client, tmp_path):
    first = deb(tmp_path, "app", "1.0-1.abcdef0", "one")
    assert host.publish(first).returncode == 0
    again = host.publish(first)
    other = host.publish(deb(tmp_path, "app", "1.0-1.abcdef0", "two"))

    assert again.returncode == 0, again.stderr
    assert other.returncode == 1
    assert "is already published with other content" in other.stderr
    assert client.update() == ""
    assert client.can_install("app", "1.0-1.abcdef0")
    assert host.versions() == ["1.0-1.abcdef0"]


def test_the_packages_of_a_release_are_published_together_and_share_their_papers(host, client, tmp_path):
    names = ("app", "app-client")
    first, second = (deb(tmp_path, name, "1.0-1.abcdef0") for name in names)
    done = host.publish(first, others=[second])
    papers = [host.public / "provenance" / name / "1.0-1.abcdef0/provenance.json" for name in names]

    assert done.returncode == 0, done.stderr
    assert client.update() == ""
    assert all(client.can_install(name, "1.0-1.abcdef0") for name in names)
    assert papers[0].read_text() == papers[1].read_text()
    assert host.versions() == ["1.0-1.abcdef0"] * 2
    assert host.publish(first, others=[second]).returncode == 0


def test_of_a_release_for_an_architecture_that_the_index_does_not_carry_nothing_is_published(host, tmp_path):
    built = [deb(tmp_path, "app", "1.0-1.abcdef0", architecture=one) for one in ("amd64", "s390x")]
    done = host.publish(built[0], others=built[1:])

    assert "app_1.0-1.abcdef0_s390x.deb is for s390x, and bookworm carries amd64 alone" in done.stderr
    assert host.versions() == []
    assert host.publish(built[0]).returncode == 0
    assert host.versions() == ["1.0-1.abcdef0"]


def test_of_a_release_with_one_wrong_package_none_is_published(host, client, tmp_path):
    assert host.publish(deb(tmp_path, "app-client", "1.0-1.abcdef0", "one")).returncode == 0
    first, wrong = (deb(tmp_path, name, "1.0-1.abcdef0", "two") for name in ("app", "app-client"))
    takes = deb(tmp_path, "app-server", "1.0-1.abcdef0", fields="Provides: bash\n")
    other, foreign = host.publish(first, others=[wrong]), host.publish(first, others=[takes])
    later = host.publish(deb(tmp_path, "app-client", "1.0-2.abcdef1"))

    assert "app-client_1.0-1.abcdef0_all.deb is already published with other content" in other.stderr
    assert "app-server_1.0-1.abcdef0_all.deb has the field Provides (bash)" in foreign.stderr
    assert later.returncode == 0, later.stderr
    assert client.update() == ""
    assert not client.can_install("app", "1.0-1.abcdef0")
    assert host.versions() == ["1.0-1.abcdef0", "1.0-2.abcdef1"]


@pytest.mark.parametrize("field", ["Provides: openssh-server", "Replaces: bash", "Essential: yes"])
def test_a_package_that_would_take_the_place_of_another_is_not_published(host, tmp_path, field):
    done = host.publish(deb(tmp_path, "app", "1.0-1.abcdef0", fields=f"{field}\n"))

    assert done.returncode == 1
    assert f"has the field {field.replace(': ', ' (')})" in done.stderr
    assert host.versions() == []


def test_a_package_may_name_those_of_its_project(host, client, tmp_path):
    fields = "Provides: app-api (= 1), app\nConflicts: app-old\nReplaces: app-old (<< 2)\nBreaks: app-x:any\n"
    done = host.publish(deb(tmp_path, "app", "1.0-1.abcdef0", fields=fields))
    other = host.publish(deb(tmp_path, "app", "1.0-2.abcdef0", fields="Breaks: app-old (<< 1), bash\n"))

    assert done.returncode == 0, done.stderr
    assert "has the field Breaks (bash): it would take the place" in other.stderr
    assert host.versions() == ["1.0-1.abcdef0"]


def test_a_package_that_is_called_otherwise_inside_is_not_published(host, tmp_path):
    inside = deb(tmp_path, "openssh-server", "99.0-1.abcdef0")
    done = host.publish(inside.rename(inside.with_name("app_1.0-1.abcdef0_all.deb")))

    assert done.returncode == 1
    assert "holds openssh-server 99.0-1.abcdef0, not app 1.0-1.abcdef0" in done.stderr
    assert host.versions() == []


def test_a_key_that_is_missing_or_expired_is_named_before_anything_is_touched(host, tmp_path):
    assert host.publish(deb(tmp_path, "app", "1.0-1.abcdef0")).returncode == 0
    for key, why in (("nobody@example.com", "is missing"), ("old@example.com", "has expired")):
        if why == "has expired":
            host.make_key(key, "seconds=1")
            time.sleep(2.5)  # gpg takes the second of its end for valid
        host.keys = key
        host.configure()
        done = host.publish(deb(tmp_path, "app", "1.0-2.abcdef1"))

        assert done.returncode == 1
        assert f"the signing key {key} {why}" in done.stderr
        assert host.versions() == ["1.0-1.abcdef0"]


def test_two_keys_are_valid_while_keys_change(host, tmp_path):
    """The three steps of the documentation: both keys sign, clients get the new one, the old one goes."""
    old = Client(tmp_path / "old", host, host.export(KEY, tmp_path / "old.asc"))
    assert host.publish(deb(tmp_path, "app", "1.0-1.abcdef0")).returncode == 0
    host.make_key("new@example.com")
    new = Client(tmp_path / "new", host, host.export("new@example.com", tmp_path / "new.asc"))
    assert "NO_PUBKEY" in new.update()
    host.keys = f"{KEY} new@example.com"
    host.configure()
    done = host.publish(deb(tmp_path, "app", "1.0-2.abcdef1"))
    assert done.returncode == 0, done.stderr
    assert (old.update(), new.update()) == ("", "")
    host.keys = "new@example.com"
    host.configure()
    assert host.publish(deb(tmp_path, "app", "1.0-3.abcdef2")).returncode == 0

    assert new.update() == ""
    assert new.can_install("app", "1.0-3.abcdef2")
    assert "NO_PUBKEY" in old.update()


def test_a_package_goes_into_several_distributions_and_a_component(host, tmp_path):
    targets = "bookworm:cicd trixie:cicd-trixie"
    host.create("cicd-trixie", "trixie")
    key = host.export(KEY, tmp_path / "key.asc")
    done = host.publish(deb(tmp_path, "app", "1.0-1.abcdef0"), targets)
    assert done.returncode == 0, done.stderr
    if host.driver == "freight":
        assert host.publish(deb(tmp_path, "extra", "1.0-1.abcdef0"), "bookworm:x", "contrib").returncode == 0
        contrib = Client(tmp_path / "c", host, key, "bookworm contrib")
        assert (contrib.update(), contrib.can_install("extra", "1.0-1.abcdef0")) == ("", True)

    for number, suite in enumerate(("bookworm main", "trixie main")):
        client = Client(tmp_path / str(number), host, key, suite)
        assert client.update() == ""
        assert client.can_install("app", "1.0-1.abcdef0")


def test_a_distribution_that_nobody_made_in_aptly_is_named_and_nothing_is_left(tmp_path):
    host = RepositoryHost("aptly")
    try:
        host.create()
        done = host.publish(deb(tmp_path, "app", "1.0-1.abcdef0"), "bookworm:cicd trixie:cicd-trixie")
        assert done.returncode == 1
        assert "aptly has no repository cicd-trixie" in done.stderr
        assert "app_1.0" not in host.aptly("repo", "show", "-with-packages", "cicd")
    finally:
        host.close()


def test_what_was_killed_at_any_moment_is_whole_after_the_next_publish(host, client, tmp_path):
    assert host.publish(deb(tmp_path, "app", "1.0-1.abcdef0")).returncode == 0
    for number, seconds in enumerate((0.05, 0.2, 0.5, 0.8), 2):
        package = deb(tmp_path, "app", f"1.0-{number}.abcdef0")
        process = subprocess.Popen(
            host.command(package), env=host.environment, start_new_session=True, stderr=-3, stdout=-3
        )
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert client.update() == "" or client.update() == ""
        assert client.can_install("app", "1.0-1.abcdef0")
    done = host.publish(deb(tmp_path, "app", "1.0-9.abcdef0"))

    assert done.returncode == 0, done.stderr
    assert client.update() == ""
    assert client.can_install("app", "1.0-9.abcdef0")


def test_a_client_that_looked_between_two_publishes_of_one_second_sees_the_second_one(host, client, tmp_path):
    packages = [deb(tmp_path, "app", f"1.0-{number}.abcdef0") for number in (1, 2)]
    time.sleep(1 - time.time() % 1)
    for package in packages:
        assert host.publish(package).returncode == 0
        assert client.update() == ""

    assert client.can_install("app", "1.0-2.abcdef0")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
@pytest.mark.parametrize("driver", PUBLISHERS)
def test_a_disk_that_is_nearly_full_publishes_nothing_and_loses_nothing(driver, tmp_path):
    place = Path(f"/tmp/cicd-s-{os.getpid()}-{driver}")
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(place)], check=True)
    host = RepositoryHost(driver, place)
    try:
        host.create()
        assert host.publish(deb(tmp_path, "app", "1.0-1.abcdef0")).returncode == 0
        command = host.command(deb(tmp_path, "app", "1.0-2.abcdef1", size=1_000_000))
        free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
        (place / "ballast").write_bytes(b"x" * (free - 8_000_000))
        done = subprocess.run(command, env=host.environment, capture_output=True, text=True, timeout=60)
        (place / "ballast").unlink()
        client = Client(tmp_path / "client", host, host.export(KEY, tmp_path / "key.asc"))

        assert done.returncode == 1
        assert "No space left on device for app_1.0-2.abcdef1_all.deb" in done.stderr
        assert (client.update(), host.versions()) == ("", ["1.0-1.abcdef0"])
        after = host.publish(deb(tmp_path, "app", "1.0-3.abcdef2"))
        assert after.returncode == 0, after.stderr
        assert host.versions() == ["1.0-1.abcdef0", "1.0-3.abcdef2"]
    finally:
        host.close()
        subprocess.run(["umount", "-l", str(place)], check=False)
        place.rmdir()


@pytest.mark.parametrize("host", FREIGHT_ALONE, indirect=True)
def test_what_killed_freights_left_behind_is_swept(host, tmp_path):
    assert host.publish(deb(tmp_path, "app", "1.0-1.abcdef0")).returncode == 0
    left = [
        host.public / "work.1.abc",
        host.public / "dists/bookworm-20200101",
        host.home / "lib/freight.1.abc",
    ]
    for folder in left:
        (folder / "main").mkdir(parents=True)
        os.utime(folder, (1, 1))
    assert host.publish(deb(tmp_path, "app", "1.0-2.abcdef0")).returncode == 0

    assert [folder for folder in left if folder.exists()] == []


def test_pruned_versions_go_from_index_and_pool_and_clients_see_no_broken_index(host, client, tmp_path):
    for number in range(1, 5):
        assert host.publish(deb(tmp_path, "app", f"1.0-{number}.abcdef0")).returncode == 0
    assert host.publish(deb(tmp_path, "other", "1.0-1.abcdef0")).returncode == 0
    done = host.prune("app=1.0-1.abcdef0", "app=1.0-3.abcdef0")

    assert done.returncode == 0, done.stderr
    assert client.update() == ""
    assert host.versions() == ["1.0-1.abcdef0", "1.0-2.abcdef0", "1.0-4.abcdef0"]
    assert client.can_install("app", "1.0-2.abcdef0")
    assert client.can_install("other", "1.0-1.abcdef0")
    assert not client.can_install("app", "1.0-3.abcdef0")
    assert not list(host.public.glob("pool/**/app_1.0-3*.deb"))
    assert (host.public / "provenance/app/1.0-3.abcdef0/provenance.json.asc").exists()


def test_20_publishes_at_once_lose_nothing_and_10_looping_clients_see_no_broken_index(host, tmp_path):
    key = host.export(KEY, tmp_path / "key.asc")
    assert host.publish(deb(tmp_path, "app0", "1.0-1.abcdef0")).returncode == 0
    clients = [Client(tmp_path / f"client{n}", host, key) for n in range(10)]
    over, broken, looks = threading.Event(), [], []

    def look(client: Client) -> None:
        while not over.is_set():
            looks.append(1)
            time.sleep(0.2)
            # A client that looks between two publishes may see a mismatch, and once more cures it.
            if client.update() and (why := client.update()):
                broken.append(why)

    done = []
    packages = [deb(tmp_path, f"app{n}", "1.0-1.abcdef0") for n in range(1, 21)]
    lookers = [threading.Thread(target=look, args=(client,)) for client in clients]
    writers = [threading.Thread(target=lambda p=p: done.append(host.publish(p))) for p in packages]
    for thread in [*lookers, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    for thread in lookers:
        thread.join()

    assert [d.stderr for d in done if d.returncode != 0] == []
    assert len(looks) > 10
    assert broken == []
    assert clients[0].update() == ""
    assert [n for n in range(21) if not clients[0].can_install(f"app{n}", "1.0-1.abcdef0")] == []


def test_of_a_release_whose_publish_was_killed_no_part_is_published_with_another_one(host, tmp_path):
    built = [deb(tmp_path, name, "1.0-1.abcdef0") for name in ("app", "app-client")]
    driver = host.home / "bin" / host.driver
    driver.parent.mkdir()
    driver.write_text(DIES.format(driver=host.driver, file=built[1].name))
    driver.chmod(0o755)
    killed = subprocess.run(
        host.command(built[0], others=built[1:]),
        env={**host.environment, "PATH": f"{driver.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
    )
    assert killed.returncode == -signal.SIGKILL
    assert host.publish(deb(tmp_path, "web", "2.0-1.abcdef0")).returncode == 0
    assert host.versions() == ["2.0-1.abcdef0"]

    done = host.publish(built[0], others=built[1:])
    assert done.returncode == 0, done.stderr
    assert host.versions() == ["1.0-1.abcdef0"] * 2 + ["2.0-1.abcdef0"]


# The whole machine goes down as the second package is added.
DIES = """#!/bin/sh
case "$*" in *add*{file}*) kill -9 0 ;; esac
PATH=${{PATH#*:}} exec {driver} "$@"
"""
