"""Templates of Jinja, sandboxed: they read Consul's data, and print none that is more than a word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from jinja2 import FileSystemLoader, StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import TemplateError, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from follow.errors import FollowError
from render.catalogue import Catalogue
from render.words import Safe, as_json, is_word, printed, quoted

SHIPPED = Path(__file__).resolve().parent / "templates"


class _Generator(CodeGenerator):
    """A filter around a block would print what it makes without a look at it."""

    def visit_FilterBlock(self, node: nodes.FilterBlock, frame: Frame) -> NoReturn:
        self.fail("a block cannot be filtered; filter each value", node.lineno)


class _Environment(ImmutableSandboxedEnvironment):
    """Everything that is printed goes through `printed`; what macros and blocks printed was looked at."""

    code_generator_class = _Generator

    def concat(self, parts: Iterable[str]) -> str:
        return Safe("".join(parts))


def environment(folder: Path) -> _Environment:
    """Return what templates in *folder* are read with, which may extend those that cicd-render has."""
    made = _Environment(
        loader=FileSystemLoader([folder, SHIPPED]),
        undefined=StrictUndefined,
        finalize=printed,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals = {"range": made.globals["range"], "namespace": made.globals["namespace"], "fail": _fail}
    made.filters.update(quoted=quoted, json=as_json)
    made.tests.update(word=is_word)
    return made


class Templates:
    """Reads each template again when its file changed."""

    def __init__(self) -> None:
        self._environments: dict[Path, _Environment] = {}

    def render(self, template: str, catalogue: Catalogue, values: Mapping[str, object]) -> str:
        """
        Return what *template* makes: a path, or the name of one that cicd-render has.

        FollowError says in which line it goes wrong, and why; or that Consul is away.
        """
        path = SHIPPED / template
        if path.parent not in self._environments:
            self._environments[path.parent] = environment(path.parent)
        known = self._environments[path.parent]
        try:
            return str(known.get_template(path.name).render(**_functions(catalogue), **values))
        except FollowError:
            raise
        except TemplateNotFound as error:
            raise FollowError(f"there is no template {error.name}") from None
        except TemplateSyntaxError as error:
            raise FollowError(f"{error.name}, line {error.lineno}: {error.message}") from None
        except Exception as error:
            raise FollowError(f"{_place(error.__traceback__, path)}: {_sentence(error)}") from None


def _functions(catalogue: Catalogue) -> dict[str, Any]:
    names = ("services", "service", "nodes", "kv", "tree", "projects")
    return {name: getattr(catalogue, name) for name in names}


def _fail(why: str) -> NoReturn:
    raise ValueError(why)


def _sentence(error: Exception) -> str:
    return (
        str(error) if isinstance(error, (ValueError, TemplateError)) else f"{type(error).__name__}: {error}"
    )


def _place(trace: TracebackType | None, path: Path) -> str:
    """Return the innermost line of a template in *trace*."""
    found = path.name
    while trace:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.parent in (path.parent, SHIPPED) and file.suffix != ".py":
            found = f"{file.name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return found
