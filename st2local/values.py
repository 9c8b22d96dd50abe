"""The type of what is free by nature: parameters, contexts, payloads, results and documents."""

from __future__ import annotations

from typing import Any

Values = dict[str, Any]
