"""A function's syntax tree, and the ways in which a change is made to it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Sequence

Make = Callable[[ast.AST], ast.AST]


class Tree:
    """A function's syntax tree with its nodes in order and their parents."""

    def __init__(self, function: ast.FunctionDef) -> None:
        self.function = function
        self.nodes: list[ast.AST] = [function]  # in the order of ast.walk
        self.parents: dict[int, ast.AST] = {}
        self._texts: dict[int, str] = {}
        for node in self.nodes:  # which grows meanwhile
            for child in ast.iter_child_nodes(node):
                self.parents[id(child)] = node
                self.nodes.append(child)

    def replace(self, node: ast.AST, new: ast.AST) -> None:
        """Put another expression in the place of one."""
        parent = self.parents[id(node)]
        for name, value in ast.iter_fields(parent):
            if value is node:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(item is node for item in value):
                value[:] = [new if item is node else item for item in value]
        self.parents[id(new)] = parent

    def body_of(self, statement: ast.AST) -> list[ast.stmt]:
        """The block that a statement stands in."""
        parent = self.parents[id(statement)]
        for _, value in ast.iter_fields(parent):
            if isinstance(value, list) and any(item is statement for item in value):
                return value
        raise AssertionError("a statement without a block")

    def statement_of(self, node: ast.AST) -> ast.stmt:
        """The statement that an expression stands in."""
        while not isinstance(node, ast.stmt):
            node = self.parents[id(node)]
        return node

    def around(self, node: ast.AST) -> tuple[str, ...]:
        """An expression and those that it stands in, as texts, the innermost first."""
        found = []
        while isinstance(node, ast.expr):
            if id(node) not in self._texts:
                self._texts[id(node)] = ast.unparse(node)
            found.append(self._texts[id(node)])
            node = self.parents[id(node)]
        return tuple(found)

    def loops_of(self, node: ast.AST) -> list[ast.stmt]:
        """The loops around a node, the innermost first."""
        found: list[ast.stmt] = []
        while id(node) in self.parents:
            node = self.parents[id(node)]
            if isinstance(node, ast.For | ast.While):
                found.append(node)
        return found


def expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def head(statement: ast.stmt) -> str:
    """A statement's text; of a block, its first line."""
    return ast.unparse(statement).splitlines()[0]


# --- how a tree is changed ------------------------------------------------------------------------


def put(text: str) -> Make:
    """Put this expression there."""
    return lambda at: expression(text)


def called(node: ast.expr, method: str) -> ast.Call:
    return ast.Call(ast.Attribute(node, method, ast.Load()), [], [])


def times(factor: float) -> Make:
    return lambda at: ast.BinOp(ast.Constant(factor), ast.Mult(), at)  # type: ignore[arg-type]


def on_side(side: str, suffix: str) -> Make:
    def make(at: ast.AST) -> ast.AST:
        text = ast.unparse(getattr(at, side))
        bare = text.removesuffix(".T")
        new = expression(bare if bare != text else f"({text}){suffix}")
        setattr(at, side, new)
        return at

    return make


def sign(operator: ast.cmpop) -> str:
    return ast.unparse(ast.Compare(ast.Name("a"), [operator], [ast.Name("b")]))[2:-2]


def targets(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.AugAssign):
        return [ast.unparse(node.target)]
    if isinstance(node, ast.Assign):
        target = node.targets[0]
        parts = target.elts if isinstance(target, ast.Tuple) else [target]
        return [ast.unparse(part) for part in parts]
    return []


def loaded(node: ast.AST) -> set[str]:
    """The names and elements that a statement reads."""
    read = set()
    for part in ast.walk(node):
        is_read = isinstance(getattr(part, "ctx", None), ast.Load)
        if is_read and isinstance(part, ast.Name | ast.Subscript):
            read.add(ast.unparse(part))
    return read


def replaced(block: list[ast.stmt], at: ast.AST, new: Sequence[ast.stmt]) -> None:
    place = next(number for number, item in enumerate(block) if item is at)
    block[place : place + 1] = new
    if not block:
        block.append(ast.Pass())


def drop(at: ast.AST, tree: Tree) -> None:
    replaced(tree.body_of(at), at, [])


def to(new: ast.stmt) -> Callable[[ast.AST, Tree], None]:
    return lambda at, tree: replaced(tree.body_of(at), at, [copy.deepcopy(new)])


def unwrap(at: ast.AST, tree: Tree) -> None:
    replaced(tree.body_of(at), at, at.body)  # type: ignore[attr-defined]


def raising(kind: str) -> Callable[[ast.AST, Tree], None]:
    return to(ast.parse(f"raise {kind}('no')").body[0])


def operator(operator: type) -> Callable[[ast.AST, Tree], None]:
    def operate(at: ast.AST, tree: Tree) -> None:
        at.op = operator()  # type: ignore[attr-defined]

    return operate


def assigned(at: ast.AST, tree: Tree) -> None:
    new = ast.Assign([at.target], at.value)  # type: ignore[attr-defined]
    replaced(tree.body_of(at), at, [new])


def scaled(factor: float) -> Callable[[ast.AST, Tree], None]:
    def operate(at: ast.AST, tree: Tree) -> None:
        at.value = ast.BinOp(ast.Constant(factor), ast.Mult(), at.value)  # type: ignore[attr-defined]

    return operate


def divided(name: str, operator: type[ast.operator] = ast.Div) -> Callable[[ast.AST, Tree], None]:
    def operate(at: ast.AST, tree: Tree) -> None:
        at.value = ast.BinOp(at.value, operator(), ast.Name(name, ast.Load()))  # type: ignore[attr-defined]

    return operate


def absolute(at: ast.AST, tree: Tree) -> None:
    at.value = called(at.value, "abs")  # type: ignore[attr-defined]


def after(form: str, target: str) -> Callable[[ast.AST, Tree], None]:
    def operate(at: ast.AST, tree: Tree) -> None:
        statement = ast.parse(form.format(target)).body[0]
        replaced(tree.body_of(at), at, [at, statement])  # type: ignore[list-item]

    return operate


def end_of_body(statement: ast.stmt) -> Callable[[ast.AST, Tree], None]:
    def operate(at: ast.AST, tree: Tree) -> None:
        at.body.append(copy.deepcopy(statement))  # type: ignore[attr-defined]

    return operate


def out(*, after: bool) -> Callable[[ast.AST, Tree], None]:
    def operate(at: ast.AST, tree: Tree) -> None:
        block, loop = tree.body_of(at), tree.loops_of(at)[0]
        outer = tree.body_of(loop)
        replaced(block, at, [])
        replaced(outer, loop, [loop, at] if after else [at, loop])  # type: ignore[list-item]

    return operate


def guarded(when: str) -> Callable[[ast.AST, Tree], None]:
    """Only in some turns of the outermost loop that counts with a name of its own."""
    test = {"first": "{0} == 0", "later": "{0} > 0", "tenth": "{0} % 10 == 0"}[when]

    def operate(at: ast.AST, tree: Tree) -> None:
        loop = tree.loops_of(at)[-1]
        if not (isinstance(loop, ast.For) and isinstance(loop.target, ast.Name)):
            raise ValueError("a loop that does not count")
        if loop.target.id == "_":
            loop.target = ast.Name("_turn", ast.Store())
        condition = expression(test.format(loop.target.id))
        replaced(tree.body_of(at), at, [ast.If(condition, [at], [])])  # type: ignore[list-item]

    return operate


def old(target: str, number: int) -> Callable[[ast.AST, Tree], None]:
    """A later statement reads what a target was before the statement `number` changed it."""

    def operate(at: ast.AST, tree: Tree) -> None:
        earlier = tree.nodes[number]
        name = f"_old_{number}"
        kept = ast.parse(f"{name} = ({target}).clone()").body[0]
        replaced(tree.body_of(at), earlier, [kept, earlier])  # type: ignore[list-item]
        for part in list(ast.walk(at)):
            if isinstance(getattr(part, "ctx", None), ast.Load) and reads(part, target):
                tree.replace(part, ast.Name(name, ast.Load()))

    return operate


def reads(node: ast.AST, text: str) -> bool:
    return isinstance(node, ast.Name | ast.Subscript) and ast.unparse(node) == text


def inserted(statement: ast.stmt) -> Callable[[ast.AST, Tree], None]:
    def operate(at: ast.AST, tree: Tree) -> None:
        replaced(tree.body_of(at), at, [copy.deepcopy(statement), at])  # type: ignore[list-item]

    return operate


def moved_before(number: int) -> Callable[[ast.AST, Tree], None]:
    """A statement goes before an earlier one, which has this number."""

    def operate(at: ast.AST, tree: Tree) -> None:
        block = tree.body_of(at)
        earlier = tree.nodes[number]
        replaced(block, at, [])
        replaced(block, earlier, [at, earlier])  # type: ignore[list-item]

    return operate


def at_the_beginning(statement: ast.stmt) -> Callable[[ast.AST, Tree], None]:
    def operate(at: ast.AST, tree: Tree) -> None:
        at.body.insert(0, copy.deepcopy(statement))  # type: ignore[attr-defined]

    return operate
