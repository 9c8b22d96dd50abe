"""Who may let a canary into production: reviews of it, and the roles that may break the glass. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Container, Mapping, Sequence

from cicd.errors import ConfigError, InputError, Refused

KEPT_VERSIONS = 20
KEPT_PEOPLE = 100


@dataclass(frozen=True)
class Policy:
    """
    What a project's promotion needs: `count` approvals, each younger than `expires_seconds`.

    `approvers` empty means anybody; `not_author` that nobody counts who wrote, pushed or asked for it.
    """

    count: int = 0
    approvers: tuple[str, ...] = ()
    not_author: bool = True
    expires_seconds: int = 86400


NO_POLICY = Policy()


@dataclass(frozen=True)
class Review:
    """What one person said of a version: yes or no, why, and when (epoch seconds)."""

    approves: bool
    why: str
    when: float


Reviews = Mapping[str, Mapping[str, Review]]  # by version, then by person


def reviewed(reviews: Reviews, version: str, who: str, given: Review, needed: Container[str]) -> Reviews:
    """
    Return *reviews* with what *who* says of *version*; refused once KEPT_PEOPLE others spoke of it.

    Those of the KEPT_VERSIONS versions that were reviewed last stay, and those of all *needed* ones.
    """
    said = {**reviews.get(version, {}), who: given}
    if len(said) > KEPT_PEOPLE:
        raise Refused(
            f"{KEPT_PEOPLE} people reviewed {version} already, and no more are kept.",
            "Ask one of them, or veto the version.",
        )
    changed = {**reviews, version: said}
    others = sorted(set(reviews) - {version}, key=lambda name: max(r.when for r in reviews[name].values()))
    newest = {version, *others[1 - KEPT_VERSIONS :]}
    return {name: changed[name] for name in changed if name in newest or name in needed}


def rejections(reviews: Reviews, version: str) -> Reviews:
    """Return *reviews* without the approvals of *version*, which is looked at anew."""
    kept = {who: review for who, review in reviews.get(version, {}).items() if not review.approves}
    others = {name: given for name, given in reviews.items() if name != version}
    return {**others, version: kept} if kept else others


def refuse_approver(policy: Policy, project: str, authors: Sequence[str], who: str) -> None:
    """Raise Refused when *who* may not approve what *authors* wrote."""
    if not who:
        raise Refused(
            f"This approval of {project} does not count: the execution names no user.",
            "Log in, then approve.",
        )
    if policy.approvers and not among(who, policy.approvers):
        raise Refused(
            f"{who} may not approve {project}; {', '.join(policy.approvers)} may.",
            f"Ask one of them, or change projects.{project}.approval.approvers in the configuration.",
        )
    if policy.not_author and among(who, authors):
        others = ", ".join(name for name in policy.approvers if not among(name, authors))
        raise Refused(
            f"{who} wrote this version of {project}, or asked for it, so someone else must approve it.",
            f"Ask {others or 'a colleague'}.",
        )


def refuse_unreviewed(
    policy: Policy,
    project: str,
    version: str,
    authors: Sequence[str],
    reviews: Mapping[str, Review],
    when: float,
) -> None:
    """Raise Refused when *version*, by *authors*, is rejected, or lacks approvals that count at *when*."""
    for who, review in sorted(reviews.items()):
        if not review.approves:
            raise Refused(
                f"{project} {version} was rejected by {who}: {review.why}.",
                f"Push a corrected commit; if the objection is settled, {who} approves.",
            )
    counted = approvals(policy, authors, reviews, when)
    if len(counted) < policy.count:
        have = f" ({', '.join(counted)})" if counted else ""
        raise Refused(
            f"{project} {version} has {len(counted)} of {policy.count} approvals{have}.",
            f"{', '.join(policy.approvers) or 'Anyone'} but its authors may run: "
            f"st2 run cicd.approve project={project} version={version}",
        )


def approvals(
    policy: Policy, authors: Sequence[str], reviews: Mapping[str, Review], when: float
) -> list[str]:
    """Return who approves and counts by *policy* at *when*, sorted; nobody counts twice."""
    counted = [who for who, review in sorted(reviews.items()) if _counts(policy, authors, who, review, when)]
    return sorted({_called(who): who for who in reversed(counted)}.values())


def refuse_role(roles: Mapping[str, tuple[str, ...]], role: str, who: str) -> None:
    """Raise Refused unless *who* is in *role*, which may break the glass."""
    if not roles:
        raise Refused(
            "Nobody may break the glass: no role is configured.",
            "Add roles under `break_glass` in the pack's configuration.",
        )
    if role not in roles:
        raise Refused(
            f"{role!r:.80} is not a role that may break the glass.", f"Roles: {', '.join(sorted(roles))}."
        )
    if not who or not among(who, roles[role]):
        raise Refused(f"{who or 'nobody'} is not in the role {role}.", f"Ask {', '.join(roles[role])}.")


def policy_from(values: Mapping[str, Any] | None, where: str) -> Policy:
    """Return the policy written as *values* at *where* in the configuration."""
    try:
        given = dict(values or {})
        policy = Policy(**{**given, "approvers": tuple(given.get("approvers") or ())})
        valid = min(int(policy.count), int(policy.expires_seconds)) >= 0
    except (TypeError, ValueError):
        valid = False
    if not valid:
        raise ConfigError(
            f"`{where}` in the configuration is not an approval policy.", "See cicd.yaml.example."
        )
    if policy.approvers and policy.count > len(policy.approvers):
        raise ConfigError(
            f"`{where}` wants {policy.count} approvals of {len(policy.approvers)} approvers.",
            "Name more approvers, or want fewer approvals.",
        )
    return policy


def roles_from(values: Mapping[str, Any] | None) -> dict[str, tuple[str, ...]]:
    """Return who is in which role of `break_glass`."""
    given = values or {}
    if isinstance(given, Mapping) and all(isinstance(names, (list, tuple)) for names in given.values()):
        return {str(role): tuple(str(name) for name in names) for role, names in given.items()}
    raise ConfigError(
        "`break_glass` in the pack's configuration is not a mapping of roles to lists of users.",
        "See cicd.yaml.example.",
    )


def reason(text: str) -> str:
    """Return *text*, one line that says why, or raise InputError when it says nothing."""
    if not any(character.isalnum() for character in text):
        raise InputError("A reason is needed.", "Say why: people will ask.")
    return text


def among(who: str, names: Sequence[str]) -> bool:
    """Whether *who* is one of *names*, however it is written."""
    return _called(who) in map(_called, names)


def _counts(policy: Policy, authors: Sequence[str], who: str, review: Review, when: float) -> bool:
    listed = not policy.approvers or among(who, policy.approvers)
    own = policy.not_author and among(who, authors)
    return review.approves and listed and not own and when - review.when < policy.expires_seconds


def _called(name: str) -> str:
    # Chat writes @ann where GitHub and StackStorm write ann.
    return name.lstrip("@").casefold()
