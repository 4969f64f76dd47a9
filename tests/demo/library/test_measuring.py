import warnings

import pytest

from demo_project.library import measuring
from demo_project.library.folders import SPECIMENS
from demo_project.library.measuring import PARSE_ERRORS, MeasuredFunction, measure

HEALTHY = {"healthy.py", "latin1_declared.py"}


@pytest.mark.parametrize(
    ("source", "lines", "code", "comments"),
    [
        (b"", 0, 0, 0),
        (b"\n", 1, 0, 0),
        (b"x = 1", 1, 1, 0),
        (b"x = 1\n\n# why\ny = 2  # not a line of comment\n", 4, 2, 1),
        (b'"""Says what."""\nx = 1\n', 2, 1, 1),
        (b'"""Says what.\n\nAt length.\n"""\n', 4, 0, 3),
        (b'x = """\n# no comment\n"""\n', 3, 3, 0),
        (b'x = f"""\n# {1} comment\n"""\n', 3, 3, 0),
        (b'class A:\n    """Doc."""\n    def f(self):\n        """Doc."""\n', 4, 2, 2),
        (b"x = 1\r\n# why\r\n", 2, 1, 1),
        (b"x = 1\r# why\r", 2, 1, 1),
        ("# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"), 2, 1, 1),
        (b"\xef\xbb\xbfx = 1\n", 1, 1, 0),
        ("x = '\N{LINE SEPARATOR}\x0c'\n".encode(), 1, 1, 0),
    ],
)
def test_lines_are_code_or_comment_or_blank(
    source: bytes, lines: int, code: int, comments: int
) -> None:
    measures = measure(source)

    assert (measures.lines, measures.code_lines, measures.comment_lines) == (lines, code, comments)


@pytest.mark.parametrize(
    ("body", "branches"),
    [
        ("pass", 1),
        ("if a: pass", 2),
        ("if a: pass\n    elif b: pass\n    else: pass", 3),
        ("return a and b and c", 3),
        ("return 1 if a else 2", 2),
        ("return [x for x in a if x]", 2),
        ("for x in a: pass", 2),
        ("while a: pass", 2),
        ("try: pass\n    except A: pass\n    except B: pass", 3),
        ("match a:\n        case 1: pass\n        case _: pass", 3),
        ("return lambda: 1 if a else 2", 2),
    ],
)
def test_branches_count_the_decisions_of_a_function(body: str, branches: int) -> None:
    measures = measure(f"def f():\n    {body}\n".encode())

    assert [function.branches for function in measures.functions] == [branches]


def test_functions_inside_others_count_for_themselves_and_carry_their_names() -> None:
    source = b"""
class Shelf:
    async def put(self, book):
        def fits(width):
            if width: return True
        if book: return fits(1)

    class Label:
        def show(self): pass
if True:
    def late(): pass
"""

    measures = measure(source)

    assert measures.functions == [
        MeasuredFunction(name="Shelf.put", line=3, length=4, branches=2),
        MeasuredFunction(name="Shelf.put.fits", line=4, length=2, branches=2),
        MeasuredFunction(name="Shelf.Label.show", line=9, length=1, branches=1),
        MeasuredFunction(name="late", line=11, length=1, branches=1),
    ]


def test_code_with_many_levels_is_measured() -> None:
    nested = "".join(f"{' ' * depth}if a:\n" for depth in range(90)) + " " * 90 + "pass\n"

    assert measure(nested.encode()).lines == 91


@pytest.mark.parametrize("source", [b"(" * 10_000 + b")" * 10_000, b"-" * 100_000 + b"1"])
def test_code_deeper_than_the_parser_goes_is_refused(source: bytes) -> None:
    with pytest.raises(PARSE_ERRORS):
        measure(b"x = " + source)


def test_a_file_too_large_for_the_demo_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "MOST_BYTES", 10)

    with pytest.raises(ValueError, match="11 bytes; this demo parses at most 10"):
        measure(b"x = 1234567")


def test_warnings_of_other_peoples_code_are_nobodys_business() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        measure(b"x = '\\d'\nassert (x, 'y')\n")

    assert caught == []


@pytest.mark.parametrize("path", sorted(SPECIMENS.glob("*.py")), ids=lambda path: path.name)
def test_a_specimen_is_as_broken_as_it_claims(path) -> None:
    if path.name in HEALTHY:
        assert measure(path.read_bytes()).lines > 3
    else:
        with pytest.raises((SyntaxError, ValueError)) as caught:
            measure(path.read_bytes())
        assert isinstance(caught.value, SyntaxError | UnicodeDecodeError)


def test_the_specimens_show_every_kind_of_failure() -> None:
    kinds = set()
    for path in SPECIMENS.glob("*.py"):
        try:
            measure(path.read_bytes())
        except (SyntaxError, ValueError) as error:
            kinds.add(type(error).__name__)

    assert kinds >= {"SyntaxError", "IndentationError", "TabError", "UnicodeDecodeError"}
