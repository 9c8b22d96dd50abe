"""The fields of fpm.json: what each means and may be. Pure."""

from __future__ import annotations

from dataclasses import replace

from cicd.package.shape import Field, Fields, Flag, Items, Record, Text
from cicd.release.version import UPSTREAM

NO_DOTS = r"(?!.*(?:^|/)\.\.?(?:/|$)|.*//)"
ABSOLUTE_PATH = rf"/(?!/){NO_DOTS}[A-Za-z0-9._+@/-]*[A-Za-z0-9._+@-]"
RELATIVE_PATH = rf"{NO_DOTS}[A-Za-z0-9._+@-][A-Za-z0-9._+@/-]*"
SOURCE = r"[A-Za-z0-9._+@/*?\[\]-]{1,1000}"
EXCLUDE = r"!?[A-Za-z0-9._+@/*?\[\]-]{1,1000}"
PACKAGE = r"[a-z0-9][a-z0-9.+-]*"
DEPENDENCY = rf"{PACKAGE}(?::[a-z0-9-]+)?(?: ?\((?:<<|<=|=|>=|>>) ?[A-Za-z0-9.+:~-]+\))?"
RPM_DEPENDENCY = r"[A-Za-z0-9_][A-Za-z0-9._+-]*(?: (?:<|<=|=|>=|>) [A-Za-z0-9._+:~^-]+)?"
IN_REPOSITORY = "a path in the repository of letters, digits and . _ + @ - without .."
KINDS = ("service", "socket", "timer", "path", "target")
TYPES = ("file", "config", "dir", "symlink", "tree")


def _folder(example: str) -> Text:
    return Text(ABSOLUTE_PATH, "an absolute path of letters, digits and . _ + @ - without ..", example)


def _path(example: str) -> Text:
    return Text(RELATIVE_PATH, IN_REPOSITORY, example)


def _user(example: str) -> Text:
    return Text(r"[a-z_][a-z0-9_-]{0,31}", "a name of lower case letters, digits, _ and -", example)


def _one_of(*words: str) -> Text:
    return Text("|".join(words), f"one of {', '.join(words)}", words[0])


def _dependencies(example: str) -> Items:
    return Items(Text(rf"{DEPENDENCY}(?: ?\| ?{DEPENDENCY})*", "a Debian dependency", example))


def _packages(example: str) -> Items:
    return Items(Text(DEPENDENCY, "a Debian package, perhaps with a version", example))


FILE = Record(
    {
        "source": Field(
            Text(SOURCE, "a path of letters, digits and . _ + @ - which may have * ? [ ]", "dist/greeter"),
            "What is packaged: path or glob in the tree of the package; of a symlink, its target.",
        ),
        "destination": Field(
            Text(
                f"{ABSOLUTE_PATH}/?",
                "an absolute path of letters, digits and . _ + @ - without ..",
                "/usr/bin/greeter",
            ),
            "Where it lies on the host; what ends in / is the folder of it.",
            required=True,
        ),
        "type": Field(_one_of(*TYPES), "What it is; config below /etc when missing, else file."),
        "mode": Field(Text("0?[0-7]{3,4}", "an octal mode", "0644"), "Its mode."),
        "owner": Field(_user("greeter"), "Its user; root when missing."),
        "group": Field(_user("greeter"), "Its group; root when missing."),
    },
    {"source": "dist/greeter", "destination": "/usr/bin/greeter"},
)
UNIT = Record(
    {
        "path": Field(
            Text(
                rf"{RELATIVE_PATH}\.(?:{'|'.join(KINDS)})",
                f"{IN_REPOSITORY}, ending in {', '.join('.' + kind for kind in KINDS)}",
                "greeter-tidy.timer",
            ),
            "The unit in the repository.",
            required=True,
        ),
        "enable": Field(Flag(), "Whether it is enabled; when it has an [Install] section."),
        "start": Field(Flag(), "Whether it is started; when it has an [Install] section."),
        "on_upgrade": Field(
            _one_of("restart", "reload", "none"),
            "What an upgrade does to it; none for a oneshot that is not started, else restart.",
        ),
        "instances": Field(
            Items(Text(r"[A-Za-z0-9_.-]{1,60}", "letters, digits and _ . -", "1")), "Instances of a template."
        ),
    },
    {"path": "greeter-tidy.timer"},
)
ARCHITECTURES = "amd64|arm64|armhf|i386|ppc64el|riscv64|s390x"
PACKAGE_FIELDS: Fields = {
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
    "section": Field(
        Text(r"[a-z0-9][a-z0-9+.-]*(?:/[a-z0-9][a-z0-9+.-]*)?", "a section of Debian's", "web"),
        "Section of the archive; misc when missing.",
    ),
    "priority": Field(_one_of("optional", "extra", "standard"), "Debian priority; optional when missing."),
    "architecture": Field(
        Text(f"all|{ARCHITECTURES}", "a Debian architecture", "all"),
        "Debian architecture; all when missing.",
    ),
    "prefix": Field(_folder("/opt/greeter"), "Directory of the application; /opt/<project>."),
    "exclude": Field(
        Items(Text(EXCLUDE, "a pattern as in .gitignore", "/tests")),
        "What of the tree is not packaged, below `prefix`, in the language of .gitignore.",
    ),
    "files": Field(Items(FILE), "What else is packaged, anywhere that the project may have."),
    "user": Field(_user("greeter"), "System user that is made at installation and owns `directories`."),
    "unit": Field(
        Text(rf"{RELATIVE_PATH}\.service", f"{IN_REPOSITORY}, ending in .service", "greeter.service"),
        "systemd unit in the repository; enabled and restarted on every installation.",
    ),
    "units": Field(Items(UNIT), "More units, each with what happens to it."),
    "environment": Field(
        _path("greeter.env"), "File of variables that becomes /etc/default/<package>, an operator's."
    ),
    "artifact": Field(
        Text(
            rf"{NO_DOTS}[A-Za-z0-9._+@*?-][A-Za-z0-9._+@*?/-]*",
            "a path in CI's workspace, or a pattern of one with * and ?; of a folder it ends in /",
            "dist/*.tar.gz",
        ),
        "What CI archived, packaged in place of the commit's tree: a tar, a zip, a file, a folder.",
    ),
    "build": Field(
        _path("script/build"),
        "Executable that makes what is packaged, on a build host; script/build when it is there.",
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
    "pre_depends": Field(
        _dependencies("adduser"), "The same, and configured before a file of this one arrives."
    ),
    "recommends": Field(_dependencies("logrotate"), "Debian packages that apt installs with it."),
    "suggests": Field(_dependencies("nginx"), "Debian packages that go well with it."),
    "provides": Field(_packages("greeter-api (= 2)"), "Names that it stands for as well."),
    "conflicts": Field(_packages("greeter-old"), "Packages that cannot be installed next to it."),
    "replaces": Field(_packages("greeter-old"), "Packages whose files it may take over."),
    "breaks": Field(_packages("greeter-old (<< 2)"), "Packages that do not work next to it."),
    "rpm_depends": Field(
        Items(Text(RPM_DEPENDENCY, "an RPM dependency", "python3 >= 3.9")),
        "What an RPM depends on, in its own words.",
    ),
    "directories": Field(Items(_folder("/var/lib/greeter")), "Directories that are made at installation."),
    "conffiles": Field(
        Items(_folder("/opt/greeter/greeter.conf")),
        "Files of the package in which an operator's changes survive an upgrade.",
    ),
}
LISTS = tuple(name for name, field in PACKAGE_FIELDS.items() if isinstance(field.shape, Items))
# What is said once, of the release: all packages have one version, and are made of one tree.
OF_RELEASE = ("version", "build", "artifact", "architectures")
# What describes a package; what it brings, needs and does, each says itself.
INHERITED = (
    *OF_RELEASE,
    *("description", "maintainer", "license", "section", "priority", "architecture"),
)
OTHERWISE = {
    "name": "Debian package name.",
    "description": "What it is; as the first package when missing.",
    "prefix": "Directory of the package; /opt/<name>.",
    "exclude": "What of the tree is not packaged below `prefix`; if missing all of it, which leaves `files`.",
    "after_install": "Executable that runs after every installation, upgrade and rollback; none if missing.",
}
MORE = Record(
    {
        **{
            key: replace(field, meaning=OTHERWISE.get(key, field.meaning), required=key == "name")
            for key, field in PACKAGE_FIELDS.items()
            if key not in (*OF_RELEASE, "unit")
        },
        "install": Field(
            Flag(False), "Whether the project's hosts install it; true. A library may be published alone."
        ),
    },
    {"name": "greeter-client", "files": [FILE.example]},
)
FPM_JSON = Record(
    {
        **PACKAGE_FIELDS,
        "architectures": Field(
            Items(Text(ARCHITECTURES, "a Debian architecture, but all", "amd64")),
            "Architectures for each of which it is built, on a build host with its tag: arch-amd64.",
        ),
        "packages": Field(
            Items(MORE), "More packages of the same tree and version, published and deployed together."
        ),
    },
    {"version": "1.0.0", "description": "…"},
)
FIELDS = FPM_JSON.fields
# Fields by which a package could take the place of another one.
RELATIONS = ("provides", "conflicts", "replaces", "breaks")
