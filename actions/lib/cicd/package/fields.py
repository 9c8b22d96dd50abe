"""The fields of fpm.json: what each means and may be. Pure."""

from __future__ import annotations

from cicd.package.shape import Field, Items, Record, Text
from cicd.release.version import UPSTREAM

NO_DOTS = r"(?!.*(?:^|/)\.\.?(?:/|$)|.*//)"
ABSOLUTE_PATH = rf"/(?!/){NO_DOTS}[A-Za-z0-9._+@/-]*[A-Za-z0-9._+@-]"
RELATIVE_PATH = rf"{NO_DOTS}[A-Za-z0-9._+@-][A-Za-z0-9._+@/-]*"
PACKAGE = r"[a-z0-9][a-z0-9.+-]*"
DEPENDENCY = rf"{PACKAGE}(?::[a-z0-9-]+)?(?: ?\((?:<<|<=|=|>=|>>) ?[A-Za-z0-9.+:~-]+\))?"
RPM_DEPENDENCY = r"[A-Za-z0-9_][A-Za-z0-9._+-]*(?: (?:<|<=|=|>=|>) [A-Za-z0-9._+:~^-]+)?"
IN_REPOSITORY = "a path in the repository of letters, digits and . _ + @ - without .."


def _folder(example: str) -> Text:
    return Text(ABSOLUTE_PATH, "an absolute path of letters, digits and . _ + @ - without ..", example)


def _path(example: str) -> Text:
    return Text(RELATIVE_PATH, IN_REPOSITORY, example)


def _user(example: str) -> Text:
    return Text(r"[a-z_][a-z0-9_-]{0,31}", "a name of lower case letters, digits, _ and -", example)


def _dependencies(example: str) -> Items:
    return Items(Text(rf"{DEPENDENCY}(?: ?\| ?{DEPENDENCY})*", "a Debian dependency", example))


FPM_JSON = Record(
    {
        "name": Field(
            Text(
                r"[a-z0-9][a-z0-9.+-]+",
                "at least two of lower case letters, digits and . + -, beginning with a letter or digit",
                "greeter",
            ),
            "Debian package name; the project's name when missing.",
        ),
        "version": Field(
            Text(UPSTREAM.pattern, "digits, letters and . + ~, beginning with a digit", "1.4.0"),
            "Upstream version; the pipeline adds the number of commits and the commit.",
            required=True,
        ),
        "description": Field(
            Text(r"[\s\S]*\S[\s\S]*", "a text", "Greets people."), "What the application is.", required=True
        ),
        "maintainer": Field(
            Text(
                r"[^$\x00-\x1f{}%]{1,200}",
                "one line of at most 200 characters without $ { } %",
                "Ann <ann@example.com>",
            ),
            "Who answers for the package.",
        ),
        "license": Field(
            Text(r"[A-Za-z0-9.+() -]{1,100}", "an SPDX expression", "Apache-2.0"), "SPDX license expression."
        ),
        "architecture": Field(
            Text(r"all|amd64|arm64|armhf|i386|ppc64el|riscv64|s390x", "a Debian architecture", "all"),
            "Debian architecture; all when missing.",
        ),
        "prefix": Field(_folder("/opt/greeter"), "Directory of the application; /opt/<project>."),
        "user": Field(_user("greeter"), "System user that is made at installation and owns `directories`."),
        "unit": Field(
            Text(rf"{RELATIVE_PATH}\.service", f"{IN_REPOSITORY}, ending in .service", "greeter.service"),
            "systemd unit in the repository; enabled and restarted on every installation.",
        ),
        "before_install": Field(
            _path("script/pre-inst"),
            "Executable that runs before a version's files arrive: at installation, upgrade, rollback.",
        ),
        "after_install": Field(
            _path("script/post-inst"), "Executable that runs after every installation, upgrade and rollback."
        ),
        "before_remove": Field(
            _path("script/pre-rm"), "Executable that runs before a removal, never at an upgrade."
        ),
        "after_remove": Field(
            _path("script/post-rm"),
            "Executable that runs after a removal, never at an upgrade; settings are still there.",
        ),
        "after_purge": Field(
            _path("script/purge"), "Executable that runs after a purge: the place to delete data."
        ),
        "depends": Field(_dependencies("libc6 (>= 2.36)"), "Debian packages that must be installed."),
        "rpm_depends": Field(
            Items(Text(RPM_DEPENDENCY, "an RPM dependency", "python3 >= 3.9")),
            "What an RPM depends on, in its own words.",
        ),
        "directories": Field(
            Items(_folder("/var/lib/greeter")), "Directories that are made at installation."
        ),
        "conffiles": Field(
            Items(_folder("/opt/greeter/greeter.conf")),
            "Files of the package in which an operator's changes survive an upgrade.",
        ),
    },
    {"version": "1.0.0", "description": "…"},
)
FIELDS = FPM_JSON.fields
LISTS = tuple(name for name, field in FIELDS.items() if isinstance(field.shape, Items))
