"""Reads what you have written, for `pytest` in this folder: the notebook here, or a .py file.

A notebook's set-up and its solutions run as they are. Of your other cells only what defines
something runs, so that no training starts; of demonstrations that came with the handout, what they
define and your code names. The grader runs the same cells in the same order, each until one of its
lines fails.
"""

from __future__ import annotations
import __future__

import ast
import contextlib
import hashlib
import json
import linecache
import re
import symtable
import sys
import tokenize
import types
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

if __package__:  # `autograder check` loads these files out of its package
    from autograder.grading.demonstrations import definitions, needed
else:
    from kit_demonstrations import definitions, needed  # type: ignore[no-redef]

HELPERS = ("check", "show", "style")  # what a notebook has from conftest: inert here
KIT = ("conftest", "test_public")
PYTHON_CELLS = ("%%time", "%%capture")  # cell magics that run their cell as it stands
IMPORTS = (ast.Import, ast.ImportFrom)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)
BLOCKS = (ast.If, ast.Try, ast.With)
CHANGING = (ast.For, ast.While, ast.Expr)
TIMED = re.compile(r"(?m)^([ \t]*(?:[\w., \t]+=[ \t]*)?)%time[ \t]+(?=\S)")
OUTPUT = re.compile(r"(?m)^([ \t]*[\w., \t]+=[ \t]*)(?:%[A-Za-z]|!).*$")  # x = !ls
IPYTHON = re.compile(r"(?m)^([ \t]*)(?:%%?[A-Za-z].*|[!?].*|[\w.]+\?\??[ \t]*)$")
HALF = re.compile("[\ud800-\udfff]")  # of a character, as an editor may leave of an emoji
COMPREHENSIONS = ("listcomp", "setcomp", "dictcomp", "genexpr")


class NoSubmission(Exception):
    """There is no file to check, or none that can be read; says what to do."""


def find_submission(folder: Path) -> Path:
    """The notebook of a folder; where there is none, its .py file."""
    files = sorted(folder.iterdir())
    notebooks = [path for path in files if is_notebook(path)]
    modules = [path for path in files if path.suffix.lower() == ".py" and not of_the_kit(path)]
    found = notebooks or modules
    named = [path for path in found if path.stem == folder.name]
    if len(named or found) != 1:
        names = ", ".join(path.name for path in found) or "no notebook"
        say = "Say it: pytest --submission=FILE"
        raise NoSubmission(f"which file shall be checked? Here is {names}. {say}")
    return (named or found)[0]


def of_the_kit(path: Path) -> bool:
    """Whether a file of the folder came with it to check yours."""
    return path.stem in KIT or path.stem.startswith("kit_")


def is_notebook(path: Path) -> bool:
    """Whether a file is a notebook, by its name; old systems write it in capitals."""
    return path.suffix.lower() == ".ipynb"


def load(path: Path, names: Iterable[str] = ()) -> dict[str, Any]:
    """Run the statements of a file that define things; gives the names that they leave.

    names: the functions that are checked; a statement that makes one of them is run
    """
    module = sys.modules["submission"] = types.ModuleType("submission")
    namespace = vars(module)
    namespace["__errors__"], namespace["__flags__"] = [], 0
    if is_notebook(path):
        namespace["display"] = inert
        namespace["__name__"] = "__main__"  # as in a kernel
    cells = with_definitions(cells_of(path))
    wanted = set(names).union(*(names_used(cell.source) for cell in cells))
    with inert_helpers():
        for cell in cells:
            cell.run(namespace, wanted)
    return namespace


def cells_of(path: Path) -> list[Cell]:
    """The code of a file that may be run, in order."""
    try:
        if not is_notebook(path):
            with tokenize.open(path) as file:  # in the encoding that it declares
                return [Cell(file.read(), path.name, whole=True, notebook=False)]
        text = path.read_text(encoding="utf-8-sig")
        return list(notebook_cells(json.loads(text)["cells"]))
    except FileNotFoundError:
        raise NoSubmission(f"there is no file {path}") from None
    except OSError as error:  # a folder, for instance
        raise NoSubmission(f"{path} cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, SyntaxError) as error:
        kind = "a notebook" if is_notebook(path) else f"Python: {error}"
        raise NoSubmission(f"{path.name} cannot be read as {kind}") from None


def notebook_cells(cells: list[dict[str, Any]]) -> Iterator[Cell]:
    for number, cell in enumerate(cells, start=1):
        source = HALF.sub("\ufffd", "".join(cell["source"]))  # as browsers do
        whole = defines(cell)
        if cell["cell_type"] == "code":
            released = not whole and as_released(cell, source)
            yield Cell(source, f"<cell {number}>", whole, released=released)


def with_definitions(cells: list[Cell]) -> list[Cell]:
    """The cells that are run: yours, and what they name of the definitions in demonstrations."""
    texts = [cell.source for cell in cells if not cell.released]
    parts = iter(needed(texts, [definitions(one.source) for one in cells if one.released]))
    return [
        Cell("\n".join(next(parts)), cell.name, whole=True) if cell.released else cell
        for cell in cells
    ]


def defines(cell: dict[str, Any]) -> bool:
    """Whether a cell is for set-up or for a solution."""
    metadata = cell.get("metadata", {})
    solution = metadata.get("nbgrader", {}).get("solution")
    return "setup" in metadata.get("tags", ()) or bool(solution)


def as_released(cell: dict[str, Any], source: str) -> bool:
    """Whether a cell is as it came with the handout: its id ends in a digest of its text."""
    text = "\n".join(line.rstrip() for line in source.strip().splitlines())
    return str(cell.get("id", "")).endswith(hashlib.sha256(text.encode()).hexdigest()[:8])


def inert(*arguments: Any, **options: Any) -> None:
    """What displays and checks do while a file is read: nothing."""


@contextlib.contextmanager
def inert_helpers() -> Iterator[None]:
    """`from conftest import check, show, style` gives functions that do nothing."""
    before = sys.modules.pop("conftest", None)
    module = sys.modules["conftest"] = types.ModuleType("conftest")
    vars(module).update(dict.fromkeys(HELPERS, inert))
    try:
        yield
    finally:
        del sys.modules["conftest"]
        if before is not None:
            sys.modules["conftest"] = before


# --- one cell -------------------------------------------------------------------------------------


class Cell:
    """Code that runs by itself: a cell, or the whole of a .py file.

    whole: every statement of it is run, not only what defines something
    released: it is a demonstration as it came with the handout
    """

    def __init__(
        self,
        source: str,
        name: str,
        whole: bool,
        notebook: bool = True,
        released: bool = False,
    ) -> None:
        self.source, self.name, self.whole, self.notebook = source, name, whole, notebook
        self.released = released

    def run(self, namespace: dict[str, Any], wanted: set[str]) -> None:
        """Run what is to be run of it. A statement that fails is noted, and the next one runs."""
        lines = self.source.splitlines(keepends=True)
        linecache.cache[self.name] = (len(self.source), None, lines, self.name)
        try:
            statements = parsed(self.source, self.name, self.notebook)
        except (SyntaxError, ValueError) as error:
            self.failed(error, getattr(error, "lineno", "?"), self.source, namespace)
            return
        for statement in statements:
            if not (self.whole or defining(statement, own_functions(namespace), wanted)):
                continue
            try:
                flags, tree = namespace["__flags__"], ast.Module([statement], [])
                code = compile(tree, self.name, "exec", flags, dont_inherit=True)  # not this file's
                namespace["__flags__"] |= future_flags(statement)
                exec(code, namespace)
            except (Exception, SystemExit) as error:
                self.failed(error, statement.lineno, ast.unparse(statement), namespace)

    def failed(self, error: BaseException, line: Any, lost: str, namespace: dict[str, Any]) -> None:
        """Remember an error for the functions that are missing because of it. lost: their code"""
        place = f"{self.name.strip('<>')}, line {line}"
        what = f"{place}: {type(error).__name__}: {getattr(error, 'msg', error)}"
        namespace["__errors__"].append((lost, what))


def future_flags(statement: ast.stmt) -> int:
    """The compiler's flags that a `from __future__ import` sets for all that follows."""
    flags = 0
    if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
        for alias in statement.names:
            flags |= getattr(getattr(__future__, alias.name, None), "compiler_flag", 0)
    return flags


def parsed(source: str, name: str, notebook: bool = True) -> list[ast.stmt]:
    """The statements of a cell or of a file. A file that is no Python is read as one that Colab or
    an editor has made of a notebook: its magics stand in it, and nothing runs them.
    """
    if notebook:
        return ast.parse(python_of(source), name).body
    try:
        return ast.parse(source, name).body
    except SyntaxError:
        with contextlib.suppress(SyntaxError):
            return ast.parse(python_of(source, left_out), name).body
        raise


def python_of(source: str, plain: Callable[[str], str] | None = None) -> str:
    """A cell without what is IPython's: %matplotlib inline, files = !ls, torch.dot?, %%bash. Where
    Python reads a line, as in a text of several, it stays.

    plain: what such a line becomes
    """
    plain = plain or inert_magic
    first = source.lstrip().split(maxsplit=1)[:1]
    if first and first[0].startswith("%%") and first[0] not in PYTHON_CELLS:
        return ""
    lines = source.split("\n")
    for _ in range(len(lines) + 1):  # each time but the last another line is replaced
        try:
            ast.parse("\n".join(lines))
        except SyntaxError as error:
            place = (error.lineno or 0) - 1
            if not 0 <= place < len(lines) or plain(lines[place]) == lines[place]:
                return plain(source)  # what is wrong is elsewhere than Python says, or is no magic
            lines[place] = plain(lines[place])
        else:
            return "\n".join(lines)
    return source


def inert_magic(text: str) -> str:
    """Lines of a cell, with Python in the place of each that is IPython's."""
    return IPYTHON.sub(r"\1pass", OUTPUT.sub(r"\1[]", TIMED.sub(r"\1", text)))


def left_out(text: str) -> str:
    """Lines of a file, without those that are IPython's."""
    lines = []
    for line in text.split("\n"):
        before = line[: len(line) - len(line.lstrip())]
        lines.append(line if inert_magic(line) == line else f"{before}pass")
    return "\n".join(lines)


def defining(statement: ast.stmt, own: set[str], wanted: set[str]) -> bool:
    """Whether a statement of a cell defines something that a function could need.

    own: the functions that the notebook has defined so far; what uses one of them is a training,
    unless it makes something `wanted`: a checked function, or a name that functions use
    """
    if isinstance(statement, IMPORTS + DEFINITIONS):
        return True
    used = names_run(statement)
    if isinstance(statement, BLOCKS):
        kinds = IMPORTS + DEFINITIONS + ASSIGNMENTS
        return not used & own and any(isinstance(node, kinds) for node in ast.walk(statement))
    if used & set(HELPERS):
        return False
    if isinstance(statement, CHANGING):
        return not used & own and bool(changed_by(statement) & wanted)
    if not isinstance(statement, ASSIGNMENTS):
        return False
    return not used & own or bool(made_by(statement) & (own | wanted))


def names_run(statement: ast.AST) -> set[str]:
    """The names that a statement looks up when it runs, not those in functions that it defines."""
    if isinstance(statement, ast.Name):
        return {statement.id} if isinstance(statement.ctx, ast.Load) else set()
    parts = ast.iter_child_nodes(statement)
    if isinstance(statement, DEFINITIONS):
        parts = iter(statement.decorator_list)
    return set().union(*map(names_run, parts))


def made_by(statement: ast.stmt) -> set[str]:
    """The names that an assignment gives values to."""
    nodes = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return {node.id for node in nodes if isinstance(node.ctx, ast.Store)}


def changed_by(statement: ast.stmt) -> set[str]:
    """The names whose values a statement makes or changes: by t[i] = 2, t.append(2), setattr(t)."""
    found = made_by(statement)
    for node in ast.walk(statement):
        part: ast.AST | None = None
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            part = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            part = node.func.value
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "setattr" and node.args:
            part = node.args[0]
        while isinstance(part, ast.Subscript | ast.Attribute):
            part = part.value
        if isinstance(part, ast.Name):
            found.add(part.id)
    return found


def own_functions(namespace: dict[str, Any]) -> set[str]:
    return {name for name, value in namespace.items() if is_own(value, namespace)}


def is_own(value: Any, namespace: dict[str, Any]) -> bool:
    """Whether a value is a function of the notebook, or stands before one (torch.compile's)."""
    for _ in range(8):
        if getattr(value, "__globals__", None) is namespace:
            return True
        value = getattr(value, "__wrapped__", getattr(value, "func", None))
    return False


def names_used(source: str) -> set[str]:
    """The names that the functions of a cell take from the notebook around them."""
    try:
        whole = symtable.symtable(python_of(source), "<cell>", "exec")
    except (SyntaxError, ValueError):
        return set()
    return set().union(*map(globals_in, functions_in(whole)))


def functions_in(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """The outermost functions of a cell; a comprehension at its top level is none."""
    for inner in table.get_children():
        if inner.get_type() == "function" and inner.get_name() not in COMPREHENSIONS:
            yield inner
        else:
            yield from functions_in(inner)


def globals_in(table: symtable.SymbolTable) -> set[str]:
    found = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
    return found.union(*map(globals_in, table.get_children()))
