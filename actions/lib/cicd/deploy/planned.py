"""Whether what a plan showed is still so, as far as the record says."""

from __future__ import annotations

from typing import Sequence

from cicd.errors import Refused
from cicd.release.record import Release


def refuse_generation(plan_id: str, known: Release) -> None:
    """Raise Refused when *known* is not the record that the plan *plan_id* was made of; empty: no plan."""
    if plan_id and plan_id.split("-")[0] != str(known.generation):
        raise moved(known.project, plan_id, ["the release"])


def refuse_undue(generation: int, known: Release, ring: str, what: str = "a promotion to") -> None:
    """Raise Refused when *known* has left the *generation* at which *what* was due for *ring*; 0 is any."""
    if generation and generation != known.generation:
        raise Refused(
            f"{known.project} is at generation {known.generation}, but {what} {ring} was due at generation "
            f"{generation}; nothing was changed.",
            "If it is still due, the sensor asks for it again.",
        )


def refuse_other_version(project: str, expected: str, found: str) -> None:
    """Raise Refused when a command is about another version of *project* than the one *expected*, if any."""
    if expected and expected != found:
        raise Refused(
            f"{project} now has {found or 'no version'} there, not {expected}; nothing was changed.",
            f"Look again: st2 run cicd.get_release project={project}",
        )


def moved(project: str, plan_id: str, what: Sequence[str]) -> Refused:
    """Return the refusal of *plan_id*, since *what* is no longer as it was."""
    return Refused(
        f"Since plan {plan_id} of {project} was made, {' and '.join(what)} moved; nothing was changed.",
        f"Look again: st2 run cicd.plan_deploy project={project}",
    )
