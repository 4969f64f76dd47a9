"""Which modules a process imports to know its tasks, and whether a task lies in one of them."""

import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from djtasks.compat import is_task

# What lies beside tasks without being one of their modules.
_NO_TASKS = ("conftest", "tests", "__main__")
# What `django.setup()` or `import_modules` loaded here, they load in every process.
_loaded: set[str] = set()
_is_importing = False


def modules(extra: Iterable[str] = ()) -> list[str]:
    """Return the modules to import, in order: the `tasks` module of each app, then `extra`.

    If `tasks` is a package, all modules in it follow, except its tests.
    """
    found = list(_of_apps(tuple(config.name for config in apps.get_app_configs())))
    return [*found, *(path for path in extra if path not in found)]


@lru_cache(maxsize=16)
def _of_apps(_names: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for config in apps.get_app_configs():
        if config.module is not None and module_has_submodule(config.module, "tasks"):
            found += [f"{config.name}.tasks", *_inside(f"{config.name}.tasks")]
    return tuple(found)


def _inside(package: str) -> Iterator[str]:
    spec = find_spec(package)
    return _below(package, list((spec and spec.submodule_search_locations) or ()))


def _below(package: str, folders: list[str]) -> Iterator[str]:
    for info in pkgutil.iter_modules(folders):
        if info.name in _NO_TASKS or info.name.startswith("test_"):
            continue
        yield f"{package}.{info.name}"
        if info.ispkg:
            inner = [str(Path(folder) / info.name) for folder in folders]
            yield from _below(f"{package}.{info.name}", inner)


def import_modules(extra: Iterable[str] = ()) -> None:
    """Import every one of `modules`; let its errors out, since the developer must see them."""
    global _is_importing  # noqa: PLW0603 - one process, one import at a time
    _is_importing = True
    try:
        for path in modules(extra):
            importlib.import_module(path)
    finally:
        _is_importing = False


def note_loaded(module: str) -> None:
    """Remember a module that defines a task while Django starts or tasks are imported."""
    if _is_importing or not apps.ready:
        _loaded.add(module)


def is_found(module: str, extra: Iterable[str] = ()) -> bool:
    """Return whether other processes load this module: it is listed, or one of theirs loads it.

    Looks through the modules that are loaded here, so ask once for a module.
    """
    listed = modules(extra)
    return module in _loaded or module in listed or _is_imported_by(listed, module)


def _is_imported_by(listed: Iterable[str], module: str) -> bool:
    """Return whether one of the listed modules imports a module, itself or through others.

    It need not have been the first to import it here: a view may have been. The names that a module
    holds tell what it imports, except for `import a.b`.
    """
    imports: dict[str, set[str]] = {}
    for name, loaded in list(sys.modules.items()):
        imports[name] = {*_imported_by(name, loaded), *_packages_of(name)}
    reached: set[str] = set()
    wanted = set(listed)
    while wanted:
        reached |= wanted
        wanted = {one for name in wanted for one in imports.get(name, ())} - reached
    return module in reached


def _imported_by(name: str, module: Any) -> Iterator[str]:
    for value in list(getattr(module, "__dict__", {}).values()):
        kind = type(value)
        if kind is ModuleType:
            # A package holds each of its modules, whoever has imported it.
            if not value.__name__.startswith(f"{name}."):
                yield value.__name__
        elif kind is FunctionType or issubclass(kind, type):
            yield str(value.__module__)
        elif is_task(value):
            yield str(value.func.__module__)


def _packages_of(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def remedy(module: str, alias: str) -> str:
    """Return what to do about a module that is not found."""
    listed = f"add {module!r} to OPTIONS['imports'] of TASKS[{alias!r}]"
    if _is_foreign(module):
        return listed
    return f"move it to a `tasks` module of an installed app, or {listed}"


def _is_foreign(module: str) -> bool:
    """Return whether a module was installed as a part of another distribution."""
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return False
    places = set(Path(spec.origin or "").parts) if spec else set()
    return bool(places & {"site-packages", "dist-packages"})
