"""Finding the Python files of a folder, and saying what is wrong with one as people do."""

import getpass
import os
import stat
import sysconfig
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MOST_FILES = 20_000
LONGEST_SEARCH_SECONDS = 10.0

SPECIMENS = Path(__file__).resolve().parent.parent / "specimens"

_LEFT_OUT = {"__pycache__", "node_modules", "site-packages", "dist-packages"}
_MOST_NOTES = 5


class FolderProblem(Exception):
    """A folder that cannot be read; the message is for whoever asked for it."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file, its name below the folder, and the first part of that name ("" at the top)."""

    path: Path
    name: str
    package: str


@dataclass(slots=True)
class SearchResult:
    """What there is to read, and sentences about what could not be looked into."""

    files: list[FoundFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def standard_library() -> Path:
    """Return the standard library of the running Python."""
    return Path(sysconfig.get_path("stdlib"))


def default_folders() -> list[Path]:
    """Return what the demo reads when nobody asks for anything else."""
    return [standard_library(), SPECIMENS]


def folder_at(text: str) -> Path:
    """Return the folder a person has typed; raise FolderProblem when there is none."""
    if "\x00" in text:
        raise FolderProblem("A path cannot have a NUL character in it.")
    if not text.strip():
        raise FolderProblem(f"Which folder? Give its path, such as {standard_library()}.")
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:
        raise FolderProblem(f"{shown(text)}: {error} Give the whole path.") from error
    if not path.is_absolute():
        raise FolderProblem(f"Give the whole path, from the top: {shown(Path.cwd() / path)}?")
    if not stat.S_ISDIR(_mode(path)):
        raise FolderProblem(f"{shown(path)} is a file. Its folder is {shown(path.parent)}.")
    return path


def _mode(path: Path) -> int:
    """Return what kind of thing is there."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise FolderProblem(
            f"There is no folder {shown(path)} on this machine. The nearest that exists is "
            f"{shown(_nearest(path))}."
        ) from None
    except OSError as error:
        raise FolderProblem(_refused(path, error)) from error
    except ValueError as error:
        raise FolderProblem(f"{shown(path)} is no path: {error}.") from error


def find_files(folders: Sequence[Path]) -> SearchResult:
    """Return all Python files below these folders, sorted by name.

    Hidden folders, caches and installed packages are left out. Files of the second folder and
    those after it carry its name in front. Raises FolderProblem when there is nothing to
    read, or too much.
    """
    found = SearchResult()
    deadline = time.monotonic() + LONGEST_SEARCH_SECONDS
    for number, folder in enumerate(folders):
        prefix = f"{shown(folder.name)}/" if number else ""
        unreadable: list[str] = []
        for path in _walk(folder, unreadable, deadline):
            found.files.append(_found(path, folder, prefix))
            if len(found.files) > MOST_FILES:
                raise FolderProblem(
                    f"{shown(folder)} has more than {MOST_FILES:,} Python files. Choose a "
                    f"folder below it."
                )
        found.notes += unreadable[:_MOST_NOTES]
        if len(unreadable) > _MOST_NOTES:
            found.notes.append(f"{len(unreadable) - _MOST_NOTES:,} more folders may not be read.")
    if not found.files:
        raise FolderProblem(_nothing_in(folders, found.notes))
    found.files.sort(key=lambda file: file.name)
    return found


def shown(path: Path | str) -> str:
    """Return a path as text that every database and every page takes."""
    text = str(path).replace("\x00", "\\x00")
    return text.encode(errors="backslashreplace").decode()


def _walk(folder: Path, unreadable: list[str], deadline: float) -> Iterator[Path]:
    def note(error: OSError) -> None:
        if error.filename == str(folder):
            raise FolderProblem(_refused(folder, error))
        unreadable.append(_refused(error.filename, error))

    for parent, folders, files in os.walk(folder, onerror=note):
        if time.monotonic() > deadline:
            raise FolderProblem(
                f"{shown(folder)} is too large to look through in "
                f"{LONGEST_SEARCH_SECONDS:.0f} seconds. Choose a folder below it."
            )
        folders[:] = [f for f in folders if not f.startswith(".") and f not in _LEFT_OUT]
        for name in files:
            if name.endswith(".py") and _is_worth_a_task(path := Path(parent, name)):
                yield path


def _is_worth_a_task(path: Path) -> bool:
    """Regular files only: to open a named pipe would wait for ever."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False  # a link to nowhere
    except OSError:
        return True  # its task will fail and say why


def _found(path: Path, folder: Path, prefix: str) -> FoundFile:
    name = prefix + shown(path.relative_to(folder))
    package = name.split("/", 1)[0] if "/" in name else ""
    return FoundFile(path=path, name=name[-500:], package=package[:255])


def _nearest(path: Path) -> Path:
    for parent in path.parents:
        try:
            if parent.is_dir():
                return parent
        except OSError:
            continue
    return Path("/")


def _refused(path: Path | str, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"{shown(path)} may not be read by {_user()}, who runs this site."
    return f"{shown(path)} cannot be read: {error.strerror}."


def _user() -> str:
    try:
        return f"the user {getpass.getuser()}"
    except (KeyError, OSError):  # a container's user without a name
        return f"user number {os.getuid()}"


def _nothing_in(folders: Sequence[Path], notes: Sequence[str]) -> str:
    where = " or ".join(shown(folder) for folder in folders)
    because = f" {' '.join(notes)}" if notes else ""
    return (
        f"There are no Python files in {where}: nothing in it or below it ends in .py, hidden "
        f"folders and installed packages left out.{because}"
    )
