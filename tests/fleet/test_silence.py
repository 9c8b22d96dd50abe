"""A host without power closes no connection: it falls silent."""

import ctypes
import socket
import struct
import threading

import pytest

from cicd.clients import ssh
from cicd.clients.ssh import Shell
from cicd.errors import HostLost
from tests.fleet.loopback import Loopback
from tests.fleet.world import World

SO_ATTACH_FILTER = 26
NOTHING = struct.pack("HBBI", 0x06, 0, 0, 0)  # a packet filter of one instruction: keep no byte


def deafen(connected: socket.socket) -> None:
    """Let the kernel drop whatever arrives for *connected*, acknowledgements too."""
    program = ctypes.create_string_buffer(NOTHING)
    filter_of_one = struct.pack("HL", 1, ctypes.addressof(program))
    connected.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, filter_of_one)


def test_a_host_that_falls_silent_is_lost_long_before_its_command_should_end(tmp_path, monkeypatch):
    monkeypatch.setattr(ssh, "KEEPALIVE_SECONDS", 1)
    monkeypatch.setattr(ssh, "SILENCE_SECONDS", 2)
    with Loopback(tmp_path, 1, net=79) as loopback:
        world = World("http://127.0.0.1:1", loopback, canaries=0)
        with Shell(world.settings, world.hosts("production")[0]) as shell:
            connected = shell._connection.client.get_transport().sock
            threading.Timer(0.5, deafen, [connected]).start()

            with pytest.raises(HostLost, match=r"web1 .* was lost while it ran `sleep`"):
                shell.run(["sleep", "300"], 200)
