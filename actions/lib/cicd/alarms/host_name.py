"""Which host an alarm means: monitoring systems spell its name in several ways. Pure."""

from __future__ import annotations

import ipaddress
from typing import Mapping


def named(spelled: str, hosts: Mapping[str, str]) -> str:
    """
    Return which of *hosts* (address by name) *spelled* means; *spelled* itself when none or several fit.

    It may be the name in any case, with a domain or without, or the address.
    """
    if spelled in hosts:
        return spelled
    fitting = [name for name in hosts if _is_same(spelled, name, hosts[name])]
    return fitting[0] if len(fitting) == 1 else spelled


def _is_same(spelled: str, name: str, address: str) -> bool:
    if _is_address(spelled):
        return _is_address(address) and ipaddress.ip_address(spelled) == ipaddress.ip_address(address)
    one, other = spelled.lower().rstrip("."), name.lower()
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
