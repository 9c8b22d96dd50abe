"""What GitHub's events say of a repository and of a user, besides what happened."""

from __future__ import annotations

import zlib
from typing import Any

SITE = "https://github.com"
API = "https://api.github.com"
USER_LINKS = {
    "followers_url": "followers",
    "following_url": "following{/other_user}",
    "gists_url": "gists{/gist_id}",
    "starred_url": "starred{/owner}{/repo}",
    "subscriptions_url": "subscriptions",
    "organizations_url": "orgs",
    "repos_url": "repos",
    "events_url": "events{/privacy}",
    "received_events_url": "received_events",
}
REPOSITORY_LINKS = {
    "forks_url": "forks",
    "keys_url": "keys{/key_id}",
    "collaborators_url": "collaborators{/collaborator}",
    "teams_url": "teams",
    "hooks_url": "hooks",
    "issue_events_url": "issues/events{/number}",
    "events_url": "events",
    "assignees_url": "assignees{/user}",
    "branches_url": "branches{/branch}",
    "tags_url": "tags",
    "blobs_url": "git/blobs{/sha}",
    "git_tags_url": "git/tags{/sha}",
    "git_refs_url": "git/refs{/sha}",
    "trees_url": "git/trees{/sha}",
    "statuses_url": "statuses/{sha}",
    "languages_url": "languages",
    "stargazers_url": "stargazers",
    "contributors_url": "contributors",
    "subscribers_url": "subscribers",
    "subscription_url": "subscription",
    "commits_url": "commits{/sha}",
    "git_commits_url": "git/commits{/sha}",
    "comments_url": "comments{/number}",
    "issue_comment_url": "issues/comments{/number}",
    "contents_url": "contents/{+path}",
    "compare_url": "compare/{base}...{head}",
    "merges_url": "merges",
    "archive_url": "{archive_format}{/ref}",
    "downloads_url": "downloads",
    "issues_url": "issues{/number}",
    "pulls_url": "pulls{/number}",
    "milestones_url": "milestones{/number}",
    "notifications_url": "notifications{?since,all,participating}",
    "labels_url": "labels{/name}",
    "releases_url": "releases{/id}",
    "deployments_url": "deployments",
}
SWITCHES = {
    "private": False,
    "fork": False,
    "has_issues": True,
    "has_projects": True,
    "has_downloads": True,
    "has_wiki": True,
    "has_pages": False,
    "archived": False,
    "disabled": False,
    "is_template": False,
    "web_commit_signoff_required": False,
}
COUNTS = (
    "size",
    "stargazers_count",
    "watchers_count",
    "forks_count",
    "open_issues_count",
    "forks",
    "open_issues",
    "watchers",
    "stargazers",
)
CREATED = 1420070400  # 2015, as in the pack's first contract


def user(login: str) -> dict[str, Any]:
    """Return the user or organization *login*."""
    number = zlib.crc32(login.encode())
    base = f"{API}/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": f"U_{number}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "gravatar_id": "",
        "url": base,
        "html_url": f"{SITE}/{login}",
        **{key: f"{base}/{path}" for key, path in USER_LINKS.items()},
        "type": "User",
        "site_admin": False,
    }


def repository(full_name: str, branch: str = "main") -> dict[str, Any]:
    """Return the repository *full_name* (owner/name) with the default branch *branch*."""
    owner, _, name = full_name.partition("/")
    number = zlib.crc32(full_name.encode())
    return {
        "id": number,
        "node_id": f"R_{number}",
        "name": name,
        "full_name": full_name,
        "owner": {**user(owner), "name": owner, "email": f"{owner}@lab.invalid"},
        **_links(full_name),
        **SWITCHES,
        **dict.fromkeys(COUNTS, 0),
        **dict.fromkeys(("description", "homepage", "language", "mirror_url", "license")),
        "created_at": CREATED,
        "updated_at": "2015-01-01T00:00:00Z",
        "pushed_at": CREATED,
        "default_branch": branch,
        "master_branch": branch,
        "topics": [],
        "visibility": "public",
        "custom_properties": {},
    }


def _links(full_name: str) -> dict[str, str]:
    page, api = f"{SITE}/{full_name}", f"{API}/repos/{full_name}"
    return {
        "html_url": page,
        "svn_url": page,
        "clone_url": f"{page}.git",
        "git_url": f"git://github.com/{full_name}.git",
        "ssh_url": f"git@github.com:{full_name}.git",
        "url": page,
        **{key: f"{api}/{path}" for key, path in REPOSITORY_LINKS.items()},
    }
