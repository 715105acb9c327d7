"""How a part is added: one file in a folder, found by its name.

A folder such as `core/diagnostics` holds one part a file. The decorator notes what a reader, a page
and a test need to know; the folder's registry lists the files. Nothing else is edited.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from core.errors import BadParameter, UnknownName

F = TypeVar("F", bound=Callable[..., Any])
MARK = "__sextant_part__"


@dataclass(frozen=True, slots=True)
class Range:
    """Allowed values of a number, ends included, and what the number does."""

    low: float
    high: float
    help: str


@dataclass(frozen=True, slots=True)
class Choices:
    """Allowed values of a word, and what the word does."""

    values: tuple[str, ...]
    help: str


@dataclass(frozen=True, slots=True)
class Param:
    """One setting of a part, read from its signature."""

    name: str
    type: type
    default: Any
    allowed: Range | Choices

    def check(self, value: object) -> None:
        """Refuse a value outside what is allowed."""
        if isinstance(self.allowed, Choices):
            if value not in self.allowed.values:
                raise BadParameter(self.name, value, ", ".join(self.allowed.values))
        elif not (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and self.allowed.low <= value <= self.allowed.high
        ):
            allowed = f"{self.allowed.low:g} to {self.allowed.high:g}"
            raise BadParameter(self.name, value, allowed)


@dataclass(frozen=True)
class Plugin(Generic[F]):
    """A part: a function and what is known about it. Called like it, ranges checked first."""

    function: F
    title: str
    family: str
    source: str
    traits: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The part's name: its file's."""
        return self.function.__module__.rpartition(".")[2]

    @cached_property
    def summary(self) -> str:
        """First line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @cached_property
    def about(self) -> str:
        """The docstring without its first line: how to read the number."""
        return (inspect.getdoc(self.function) or "").partition("\n")[2].strip()

    @cached_property
    def params(self) -> tuple[Param, ...]:
        """The keyword-only arguments, each with its type, default and range."""
        hints = get_type_hints(self.function, include_extras=True)
        return tuple(
            _param(self.name, p, hints[p.name])
            for p in inspect.signature(self.function).parameters.values()
            if p.kind is p.KEYWORD_ONLY
        )

    def __call__(self, *args: Any, **settings: Any) -> Any:
        """Run the part; settings outside their range are refused."""
        self.check(settings)
        return self.function(*args, **settings)

    def check(self, settings: Mapping[str, object]) -> None:
        """Refuse settings that the part does not have, and values out of range."""
        by_name = {p.name: p for p in self.params}
        for name, value in settings.items():
            if name not in by_name:
                raise UnknownName(f"setting of {self.name}", name, by_name)
            by_name[name].check(value)


class Registry(Generic[F]):
    """All parts of one folder.

    Args:
        package: the folder's module name, such as "core.measure.diagnostics".
        what: what a part is called in sentences, such as "diagnostic".
    """

    def __init__(self, package: str, what: str) -> None:
        self.package = package
        self.what = what
        self._parts: dict[str, Plugin[F]] | None = None

    def __call__(
        self, *, title: str, source: str, family: str = "", **traits: Any
    ) -> Callable[[F], F]:
        """Decorate a part. The function is returned untouched."""

        def note(function: F) -> F:
            module = import_module(function.__module__)
            if hasattr(module, MARK):
                raise ValueError(f"{function.__module__} holds two parts; one file, one part.")
            setattr(module, MARK, Plugin(function, title, family, source, traits))
            return function

        return note

    def all(self) -> Mapping[str, Plugin[F]]:
        """Every part by name, in alphabetical order. A part that cannot be imported raises.

        Files whose name starts with an underscore hold no part.
        """
        if self._parts is None:
            folder = import_module(self.package)
            names = sorted(
                m.name for m in iter_modules(folder.__path__) if not m.name.startswith("_")
            )
            self._parts = {n: _part(import_module(f"{self.package}.{n}")) for n in names}
        return self._parts

    def refresh(self) -> None:
        """List the folder again when next asked, as after a file was added."""
        self._parts = None

    def get(self, name: str) -> Plugin[F]:
        """One part.

        Raises:
            UnknownName: no file of that name in the folder.
        """
        parts = self.all()
        if name not in parts:
            raise UnknownName(self.what, name, parts)
        return parts[name]


def _part(module: ModuleType) -> Plugin[Any]:
    part = getattr(module, MARK, None)
    if part is None:
        raise ValueError(f"{module.__name__} holds no part; decorate one function in it.")
    result: Plugin[Any] = part
    return result


def _param(part: str, parameter: inspect.Parameter, hint: Any) -> Param:
    extras = get_args(hint) if get_origin(hint) is Annotated else ()
    allowed = next((e for e in extras if isinstance(e, Range | Choices)), None)
    if allowed is None or parameter.default is parameter.empty:
        raise ValueError(
            f"{part}: setting {parameter.name} needs a Range or Choices and a default."
        )
    return Param(parameter.name, extras[0], parameter.default, allowed)
