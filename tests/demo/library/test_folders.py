import os
from pathlib import Path

import pytest

from demo_project.library import folders
from demo_project.library.folders import FolderProblem, find_files, folder_at, shown

NOT_TEXT = os.fsdecode(b"ol\xe9.py")


def as_nobody(monkeypatch: pytest.MonkeyPatch, *, refused: Path) -> None:
    """Root may read everything, so that it may not is told by the calls that would tell it."""
    real = os.scandir

    def scandir(path):
        if str(path) == str(refused):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)


def names(*roots: Path) -> list[str]:
    return [file.name for file in find_files(roots).files]


def test_python_files_are_found_by_name_at_any_depth(shelf: Path) -> None:
    (shelf / "notes.txt").write_text("not Python")

    assert names(shelf) == ["main.py", "poems/broken.py", "poems/ode.py"]
    assert [file.package for file in find_files([shelf]).files] == ["", "poems", "poems"]


@pytest.mark.parametrize(
    "folder", ["__pycache__", ".git", ".venv", "node_modules", "lib/site-packages", "dist-packages"]
)
def test_hidden_folders_caches_and_installed_packages_are_left_out(
    shelf: Path, folder: str
) -> None:
    (shelf / folder).mkdir(parents=True)
    (shelf / folder / "one.py").write_text("x = 1")

    assert names(shelf) == ["main.py", "poems/broken.py", "poems/ode.py"]


def test_installed_packages_are_read_when_they_are_what_was_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "one.py").write_text("x = 1")

    assert names(folder) == ["one.py"]


def test_files_of_a_second_folder_carry_its_name(shelf: Path) -> None:
    assert names(shelf, shelf / "poems")[-2:] == ["poems/ode.py", "poems/ode.py"]


def test_only_regular_files_become_tasks(shelf: Path) -> None:
    os.mkfifo(shelf / "pipe.py")
    (shelf / "folder.py").mkdir()
    (shelf / "nowhere.py").symlink_to(shelf / "gone.py")
    (shelf / "link.py").symlink_to(shelf / "main.py")
    (shelf / "round").symlink_to(shelf)

    assert names(shelf) == ["link.py", "main.py", "poems/broken.py", "poems/ode.py"]


def test_a_name_that_is_not_text_is_found_and_shown_escaped(tmp_path: Path) -> None:
    (tmp_path / NOT_TEXT).write_text("x = 1")

    (file,) = find_files([tmp_path]).files

    assert file.path.read_text() == "x = 1"
    assert file.name == "ol\\udce9.py"


def test_a_folder_below_that_may_not_be_read_is_noted(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_nobody(monkeypatch, refused=shelf / "poems")

    found = find_files([shelf])

    assert [file.name for file in found.files] == ["main.py"]
    assert found.notes == [
        f"{shelf}/poems may not be read by {folders._user()}, who runs this site."
    ]


def test_a_folder_that_may_not_be_read_is_refused(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_nobody(monkeypatch, refused=shelf)

    with pytest.raises(FolderProblem, match=r"may not be read by the user \w+, who runs this"):
        find_files([shelf])


def test_a_file_that_may_not_be_looked_at_becomes_a_task_that_says_so(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.stat

    def stat(path, **options):
        if path.name == "main.py":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, **options)

    monkeypatch.setattr(Path, "stat", stat)

    assert "main.py" in names(shelf)


def test_an_empty_folder_is_refused_with_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("nothing to parse")

    with pytest.raises(FolderProblem, match=r"no Python files in .*ends in \.py"):
        find_files([tmp_path])


def test_too_many_files_are_refused(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MOST_FILES", 2)

    with pytest.raises(FolderProblem, match="more than 2 Python files"):
        find_files([shelf])


def test_a_search_that_takes_too_long_is_given_up(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "LONGEST_SEARCH_SECONDS", -1.0)

    with pytest.raises(FolderProblem, match="too large to look through"):
        find_files([shelf])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Which folder? Give its path, such as /"),
        ("   ", "Which folder?"),
        ("code", "Give the whole path, from the top: /"),
        ("../code", "Give the whole path, from the top: /"),
        ("~nobody-like-that/code", "Give the whole path."),
        ("/tmp/\x00", "NUL"),
        ("/" + "x" * 5_000, "File name too long"),
        ("/etc/\ud800", "is no path"),
        ("/no-such-folder/at/all", "The nearest that exists is /."),
        ("/etc/no-such-folder/at/all", "The nearest that exists is /etc."),
        ("/etc/passwd/x", "There is no folder /etc/passwd/x"),
        ("/etc/passwd", "/etc/passwd is a file. Its folder is /etc."),
        ("<script>alert(1)</script>", "Give the whole path"),
    ],
)
def test_what_is_no_folder_is_refused_with_the_way_out(text: str, said: str) -> None:
    with pytest.raises(FolderProblem) as caught:
        folder_at(text)

    assert said in str(caught.value)
    str(caught.value).encode()


def test_a_folder_is_found_from_home(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(shelf))

    assert folder_at("~/poems") == shelf / "poems"


def test_the_default_is_the_standard_library_and_the_specimens() -> None:
    found = find_files(folders.default_folders())

    assert len(found.files) > 600
    assert {"ast.py", "json/decoder.py", "specimens/healthy.py"} <= {f.name for f in found.files}
    assert not any("site-packages" in str(file.path) for file in found.files)


def test_shown_text_is_storable_everywhere() -> None:
    assert shown("a\x00b\ud800") == "a\\x00b\\ud800"
