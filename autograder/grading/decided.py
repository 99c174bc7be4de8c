"""What decides the outcome of each check of an assignment, as digests: where one is as it was, so
is the outcome.

A check depends on its own code, on what that code names in its file (helpers, constants, imports,
fixtures, and what these name in turn), and on what all checks share: the engine, the solution, the
released notebook, the other Python files and the data of the staff folder. So is what a file does
beside giving names a value: a draw, a list that grows, a class that tells its base. A name inside a
text counts as named. Points, hints, docstrings and comments decide no outcome.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment

HOOKS = ("pytest_", "setup", "teardown")  # what a name begins with that pytest calls by itself
WORDS = ("points", "hint")  # marks that say something of a check, and change nothing in it
# what may be called, decorate or be a base, and does nothing but to give a value
HARMLESS = """
    abs bool bytes complex dict enumerate float frozenset int len list max min object range repr
    round set slice sorted str sum tuple zip cache dataclass dataclasses.dataclass
    dataclasses.field field functools.cache functools.lru_cache functools.partial lru_cache partial
    remembered enum.Enum Enum Exception NamedTuple typing.NamedTuple math.cos math.exp math.log
    math.sin math.sqrt re.compile torch.arange torch.as_tensor torch.eye torch.full torch.linspace
    torch.ones torch.tensor torch.zeros
""".split()  # noqa: SIM905 - a page of names reads better without their quotes
METHODS = """
    bool clone double float items join keys lower reshape split strip t tolist upper values
""".split()  # noqa: SIM905


@dataclass(frozen=True)
class Decided:
    """What decided a grading.

    checks: by the name of a test function
    shared: what all checks depend on; diagnosis: what it depends on beside the checks
    limits: those of a submission
    """

    checks: Mapping[str, str]
    shared: str
    diagnosis: str
    limits: Mapping[str, float | None]

    @classmethod
    def of(cls, assignment: Assignment, known: str = "") -> Decided:
        """As it is at the moment. known: the table of known programs that a diagnosis goes by

        Raises SyntaxError where a file of checks is not Python.
        """
        checks: dict[str, str] = {}
        for file in assignment.checks:
            checks |= digests_of(ast.parse(file.read_text(encoding="utf-8")), file.name)
        return cls(
            checks,
            shared_by_all(assignment),
            told_by(assignment, known),
            asdict(assignment.limits),
        )

    def of_check(self, name: str) -> str | None:
        """The digest of a check, whatever its parameters."""
        return self.checks.get(name.partition("[")[0])

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Decided:
        return cls(value["checks"], value["shared"], value["diagnosis"], value["limits"])


def shared_by_all(assignment: Assignment) -> str:
    """The digest of what all checks depend on."""
    values = [sorted(assignment.functions), assignment.environment]
    return digest_of_files(assignment.shared_files, values)


def told_by(assignment: Assignment, known: str) -> str:
    """The digest of what a diagnosis depends on beside the checks; see `Decided.of`."""
    programs = [mistake.path for mistake in assignment.mistakes]
    programs += [*assignment.variants, assignment.folder / "ladder.toml"]
    programs.append(assignment.folder / "properties.py")
    start = asdict(assignment.start) if assignment.start else None
    return digest_of_files(programs, [start, known])


def digest_of_files(files: Iterable[Path], values: Iterable[object] = ()) -> str:
    digest = hashlib.sha256(repr(list(values)).encode())
    for file in filter(Path.is_file, files):
        digest.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def digests_of(module: ast.Module, file: str) -> dict[str, str]:
    """The digest of each test function of a file, and of each in a class there."""
    binding: dict[str, list[int]] = {}
    imports = (ast.Import, ast.ImportFrom)
    own = {name for one in module.body if not isinstance(one, imports) for name in bound_by(one)}
    everywhere: set[int] = set()  # statements that decide without being named
    for place, statement in enumerate(module.body):
        names = bound_by(statement)
        for name in names:
            binding.setdefault(name, []).append(place)
        unnamed = decides_unnamed(statement, names) or acts(statement, set(HARMLESS) - own)
        if unnamed and not (place == 0 and is_text(statement)):
            everywhere.add(place)
    told = {}
    for place, statement in enumerate(module.body):
        reached = closure({place, *everywhere}, module.body, binding)
        parts = [ast.dump(bare(module.body[other])) for other in sorted(reached)]
        digest = hashlib.sha256("\0".join([file, *parts]).encode()).hexdigest()[:16]
        for function in tests_in(statement):
            told[function] = digest
    return told


def decides_unnamed(statement: ast.stmt, names: set[str]) -> bool:
    """Whether a statement decides something of checks that do not name what it binds (`names`)."""
    if not names or "*" in names or "autouse" in mentioned(statement):
        return True
    return any(name.startswith((*HOOKS, "pytestmark")) for name in names)


def acts(statement: ast.stmt, harmless: Set[str]) -> bool:
    """Whether a statement may do something beside giving its names a value."""
    return isinstance(statement, ast.AugAssign) or any(
        isinstance(node, ast.NamedExpr) or (is_used and not does_nothing(node, harmless))
        for node, is_used in run_by(statement)
    )


def run_by(node: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """What runs when a statement does, and of each whether it is called, decorates or is a base.
    The body of a function does not run.
    """
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield from ((decorator, True) for decorator in node.decorator_list)
    if isinstance(node, ast.ClassDef):
        yield from ((base, True) for base in (*node.bases, *node.keywords))
    if isinstance(node, ast.Call):
        yield node.func, True
    yield node, False
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    inner = [*node.decorator_list, node.args] if isinstance(node, functions) else None
    if isinstance(node, ast.Lambda):
        inner = [node.args]
    for part in ast.iter_child_nodes(node) if inner is None else inner:
        yield from run_by(part)


def does_nothing(used: ast.AST, harmless: Set[str]) -> bool:
    """Whether to use this does nothing but to give a value."""
    while isinstance(used, ast.Call):  # of a decorator
        used = used.func
    if isinstance(used, ast.Attribute) and used.attr in METHODS:
        return True
    name = ast.unparse(used)
    return name in harmless or name.startswith("pytest.")


def is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a text alone, as a docstring is."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def closure(
    start: set[int], statements: list[ast.stmt], binding: Mapping[str, list[int]]
) -> set[int]:
    """The statements that these lead to by the names that they mention."""
    reached, waiting = set(start), list(start)
    while waiting:
        for name in mentioned(statements[waiting.pop()]):
            new = set(binding.get(name, ())) - reached
            reached |= new
            waiting += new
    return reached


def tests_in(statement: ast.stmt) -> list[str]:
    """The test functions that a statement defines, those of a class included."""
    inner = statement.body if isinstance(statement, ast.ClassDef) else [statement]
    functions = [item for item in inner if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [item.name for item in functions if item.name.startswith("test")]


def bound_by(statement: ast.stmt) -> set[str]:
    """The names that a statement gives a value at the top level."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(item.asname or item.name).partition(".")[0] for item in statement.names}
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        nodes = [node for target in targets for node in ast.walk(target)]
        plain = (ast.Name, ast.Tuple, ast.List, ast.Starred, ast.Load, ast.Store)
        if all(isinstance(node, plain) for node in nodes):
            return {node.id for node in nodes if isinstance(node, ast.Name)}
    return set()


def mentioned(statement: ast.stmt) -> set[str]:
    """The names in a statement: variables, parameters, and texts that may be some."""
    names = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.arg | ast.keyword):
            names.add(node.arg or "")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value[:100])
    return names


def bare(statement: ast.stmt) -> ast.stmt:
    """A statement without what decides nothing: docstrings, points and hints."""
    copy = ast.parse(ast.unparse(statement)).body[0]
    for node in ast.walk(copy):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.decorator_list = [item for item in node.decorator_list if not is_word(item)]
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return copy


def is_word(decorator: ast.expr) -> bool:
    """Whether a decorator is `@pytest.mark.points(...)` or such."""
    call = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (
        isinstance(call, ast.Attribute)
        and call.attr in WORDS
        and ast.unparse(call.value) == "pytest.mark"
    )
