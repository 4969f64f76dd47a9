"""What there is to know about one source file: pure functions over its bytes."""

import ast
import importlib.util
import threading
import warnings
from dataclasses import dataclass, field

# What parsing raises for good: a syntax error, bytes that are no text in the file's encoding,
# NUL bytes (a ValueError in some Pythons), code nested deeper than the parser goes.
PARSE_ERRORS = (SyntaxError, ValueError, RecursionError, MemoryError)

MOST_BYTES = 5_000_000

_DECISIONS = {
    ast.If,
    ast.IfExp,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.comprehension,
    ast.match_case,
}
_FUNCTIONS = {ast.FunctionDef, ast.AsyncFunctionDef}
_SCOPES = {*_FUNCTIONS, ast.ClassDef}
_STRINGS = {ast.Constant, ast.JoinedStr}

# catch_warnings changes the whole process, so one thread at a time; parsing holds the GIL
# anyway, so nobody waits longer for it.
_parsing = threading.Lock()


@dataclass(slots=True, kw_only=True)
class MeasuredFunction:
    """`branches` is McCabe's complexity: 1, and 1 more for each decision."""

    name: str
    line: int
    length: int
    branches: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """`lines` has all, `code_lines` neither blank ones nor comments nor docstrings."""

    lines: int
    code_lines: int
    comment_lines: int
    functions: list[MeasuredFunction]


@dataclass(slots=True)
class _Findings:
    """What one walk through a tree gathers: lines by number, and functions in any order."""

    documentation: set[int] = field(default_factory=set)
    strings: set[int] = field(default_factory=set)
    functions: list[MeasuredFunction] = field(default_factory=list)


def measure(source: bytes) -> Measures:
    """Measure a file; raise one of PARSE_ERRORS, as Python itself would, when it is broken."""
    if len(source) > MOST_BYTES:
        raise ValueError(
            f"The file has {len(source):,} bytes; this demo parses at most {MOST_BYTES:,}."
        )
    text = importlib.util.decode_source(source)
    found = _look_through(parse(text))
    lines = text.removesuffix("\n").split("\n") if text else []
    blank = {number for number, line in enumerate(lines, start=1) if not line.strip()}
    comments = {
        number
        for number, line in enumerate(lines, start=1)
        if line.lstrip().startswith("#") and number not in found.strings
    }
    commented = len(comments | (found.documentation - blank))
    return Measures(
        lines=len(lines),
        code_lines=len(lines) - len(blank) - commented,
        comment_lines=commented,
        functions=sorted(found.functions, key=lambda function: function.line),
    )


def parse(text: str) -> ast.Module:
    """Parse without the warnings that other people's code gives."""
    with _parsing, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _look_through(tree: ast.Module) -> _Findings:
    """Walk once, without recursion: code may be nested deeper than our stack."""
    found = _Findings()
    _note_docstring(tree, found)
    waiting: list[tuple[ast.AST, str, MeasuredFunction | None]] = [(tree, "", None)]
    while waiting:
        node, prefix, function = waiting.pop()
        for child in ast.iter_child_nodes(node):
            kind = type(child)
            if kind in _SCOPES:
                waiting.append(_enter(child, prefix, function, found))
                continue
            if kind in _STRINGS:
                _note_string(child, found)
            elif function is not None and kind in _DECISIONS:
                function.branches += 1
            elif function is not None and isinstance(child, ast.BoolOp):
                function.branches += len(child.values) - 1
            waiting.append((child, prefix, function))
    return found


def _enter(
    node: ast.AST, prefix: str, function: MeasuredFunction | None, found: _Findings
) -> tuple[ast.AST, str, MeasuredFunction | None]:
    """Return where a walk goes on inside a class or function."""
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    name = f"{prefix}{node.name}"
    _note_docstring(node, found)
    if type(node) in _FUNCTIONS:
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        function = MeasuredFunction(name=name, line=node.lineno, length=length)
        found.functions.append(function)
    return node, f"{name}.", function


def _note_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, found: _Findings
) -> None:
    first = node.body[0] if node.body else None
    value = first.value if isinstance(first, ast.Expr) else None
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        found.documentation.update(range(value.lineno, (value.end_lineno or 0) + 1))


def _note_string(node: ast.AST, found: _Findings) -> None:
    assert isinstance(node, ast.Constant | ast.JoinedStr)
    if node.end_lineno and node.end_lineno > node.lineno:
        found.strings.update(range(node.lineno + 1, node.end_lineno + 1))
