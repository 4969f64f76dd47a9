"""A project with many libraries: imports a hundred megabytes of what the tests need anyway."""

import importlib
import pkgutil
from contextlib import suppress

_PACKAGES = ("cryptography", "kombu", "pygments", "selenium.webdriver", "sqlalchemy", "trio")


def _import_all(name: str) -> None:
    package = importlib.import_module(name)
    for found in pkgutil.walk_packages(package.__path__, f"{name}."):
        if "test" not in found.name and "__main__" not in found.name:
            with suppress(Exception):  # a driver or a system that is not there
                importlib.import_module(found.name)


for _name in _PACKAGES:
    _import_all(_name)
