"""The systemd unit of a stand-in."""

from __future__ import annotations

LIBRARY = "/usr/lib/cicd-lab"


def unit(module: str, name: str, user: str, folder: str, settings: str) -> str:
    """Return the unit that runs `python3 -m MODULE SETTINGS` as *user* in *folder*, its home."""
    return f"""[Unit]
Description=The lab's stand-in for {name}
After=network.target

[Service]
User={user}
Environment=PYTHONPATH={LIBRARY} HOME={folder}
WorkingDirectory={folder}
ExecStart=/usr/bin/python3 -m {module} {settings}
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""
