"""The program slice of a function: digests of the statements on which it depends, by name.

The slice begins with the statements that define the function. Each name that a statement uses adds the
statements that define or change it, in this module or, through imports, in others. Statements are compared
by their syntax trees, so comments, docstrings, annotations of arguments, formatting and the version of Python
make no difference. Dependencies that arise at run time (reading a file, ``getattr`` with a computed name) are
not found.
"""

from __future__ import annotations

import ast
import dis
import hashlib
import importlib.util
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

from hpsearch.runtime.syntax_trees import syntax_tree

#: Hexadecimal digits of a digest.
_SHORT = 16

#: Fields of a syntax tree that do not affect its behaviour.
_IGNORED = frozenset({"ctx", "kind", "type_comment"})

_LOADS, _STORES = frozenset({"LOAD_GLOBAL", "LOAD_NAME"}), frozenset({"STORE_NAME", "STORE_GLOBAL"})


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a module that belongs to a program."""

    text: str
    package: str | None  #: the package to which its imports are relative


#: Returns the source of a module by name; None if it does not belong to the program.
SourceOf = Callable[[str], Source | None]


def slice_digests(module: str, name: str, source_of: SourceOf) -> dict[str, str]:
    """Return digests of the statements on which a function depends, including its own.

    Parameters
    ----------
    module : str
        The module that defines it.
    name : str
        Its name in the module; the first part of a dotted name.
    source_of : callable
        Returns the source of a module by name.

    Returns
    -------
    dict
        16 hexadecimal digits by name: ``name()`` for a function or class, ``name`` for anything else;
        prefixed with the name of any other module.

    Raises
    ------
    SyntaxError, ValueError, RecursionError
        If a module cannot be parsed.
    """
    return _Slicer(module, source_of).digests(name)


@dataclass(frozen=True, slots=True)
class _Import:
    """A name that is bound to a module, or to a name of a module."""

    module: str
    name: str | None  #: the imported name; None for the module itself
    alias: str  #: the bound name; "*" for all names


@dataclass(frozen=True, slots=True)
class _Statement:
    """A top-level statement of a module."""

    binds: frozenset[str]  #: names that it defines, or whose values it may change
    reads: frozenset[str]  #: global names that it uses
    chains: Mapping[str, frozenset[tuple[str, ...]]]  #: chains of attributes that it uses, by name
    imports: tuple[_Import, ...]  #: imports in its functions
    text: str  #: canonical text of its syntax tree
    is_code: bool  #: whether it defines a function or a class


class _Module:
    """The statements of a module by the names that they bind."""

    def __init__(self, source: Source) -> None:
        self.statements: dict[str, list[_Statement]] = defaultdict(list)
        self.imports: dict[str, list[_Import]] = defaultdict(list)
        for node in _top_level(_Normalizer().visit(syntax_tree(source.text)).body):
            self._take(node, source.package)

    def _take(self, node: ast.stmt, package: str | None) -> None:
        found = list(_imports_of(node, package, is_outside=True))
        for one in found:
            self.imports[one.alias].append(one)
            text = f"import {one.module} {one.name} as {one.alias}"
            self._bind(_Statement(frozenset({one.alias}), frozenset(), {}, (), text, is_code=False))
        if not isinstance(node, ast.Import | ast.ImportFrom):
            self._bind(_statement(node, package))

    def _bind(self, statement: _Statement) -> None:
        for name in statement.binds:
            self.statements[name].append(statement)


class _Slicer:
    """Follows names through the modules; takes each statement once."""

    def __init__(self, module: str, source_of: SourceOf) -> None:
        self._root, self._source_of = module, source_of
        self._modules: dict[str, _Module | None] = {}
        self._waiting: list[tuple[str, str]] = []
        self._seen: set[tuple[str, str]] = set()
        self._taken: set[int] = set()
        self._texts: dict[str, list[str]] = defaultdict(list)

    def digests(self, name: str) -> dict[str, str]:
        root = self._module(self._root)
        if root is None:
            return {}
        # If no statement defines the name, it was set at run time, perhaps by any statement.
        self._waiting = [(self._root, n) for n in ([name] if name in root.statements else root.statements)]
        while self._waiting:
            place = self._waiting.pop()
            if place not in self._seen:
                self._seen.add(place)
                self._follow(*place)
        return {label: _sha("\n".join(texts)) for label, texts in sorted(self._texts.items())}

    def _module(self, name: str) -> _Module | None:
        if name not in self._modules:
            source = self._source_of(name)
            self._modules[name] = None if source is None else _Module(source)
        return self._modules[name]

    def _follow(self, module: str, name: str) -> None:
        """Take the statements that bind a name, and follow the names that they use."""
        here = self._module(module)
        if here is None:
            return
        if name not in here.statements:
            self._waiting += [(star.module, name) for star in here.imports.get("*", ())]
        # Re-exports, as in a package's __init__.
        self._waiting += [
            (one.module, one.name) for one in here.imports.get(name, ()) if one.name is not None
        ]
        for statement in here.statements.get(name, ()):
            if id(statement) in self._taken:
                continue
            self._taken.add(id(statement))
            label = name if module == self._root else f"{module}.{name}"
            self._texts[f"{label}()" if statement.is_code else label].append(statement.text)
            # Sorted: a statement that binds several names counts under the first that is reached.
            for read in sorted(statement.reads):
                self._waiting.append((module, read))
                for one in here.imports.get(read, ()):
                    self._enter(one, statement.chains.get(read, frozenset()))
            for one in statement.imports:
                self._enter(one, statement.chains.get(one.alias, frozenset()))

    def _enter(self, one: _Import, chains: Iterable[tuple[str, ...]]) -> None:
        """Follow the use of an imported name."""
        if one.name is None:
            for chain in sorted(chains):
                self._enter_module(one.module, chain)
            return
        there = self._module(one.module)
        if there is not None and one.name in there.statements:
            self._waiting.append((one.module, one.name))
        elif self._module(f"{one.module}.{one.name}") is not None:
            for chain in sorted(chains):
                self._enter_module(f"{one.module}.{one.name}", chain)
        else:
            self._waiting.append((one.module, one.name))

    def _enter_module(self, module: str, chain: tuple[str, ...]) -> None:
        """Follow a chain of attributes of a module; without one, the whole module."""
        while chain and self._module(f"{module}.{chain[0]}") is not None:
            module, chain = f"{module}.{chain[0]}", chain[1:]
        there = self._module(module)
        if there is not None:
            self._waiting += [(module, name) for name in (chain[:1] or there.statements)]


class _Normalizer(ast.NodeTransformer):
    """Removes what does not affect the behaviour of a program: docstrings and annotations."""

    def __init__(self) -> None:
        self._is_in_class = False

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.visit_ClassDef(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - a name of ast.NodeVisitor

    def visit_ClassDef(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        """Remove the docstring, and visit the body."""
        first = node.body[0]
        if isinstance(first, ast.Expr) and _text_of(first.value) is not None:
            node.body = node.body[1:] or [ast.copy_location(ast.Pass(), first)]
        was_in_class, self._is_in_class = self._is_in_class, isinstance(node, ast.ClassDef)
        self.generic_visit(node)
        self._is_in_class = was_in_class
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Keep annotations in a class: they may define fields, as in a dataclass."""
        self.generic_visit(node)
        if self._is_in_class or node.value is None:
            return node
        return ast.copy_location(ast.Assign(targets=[node.target], value=node.value), node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """Join adjacent constants, which versions of Python split differently."""
        self.generic_visit(node)
        values: list[ast.expr] = []
        for value in node.values:
            text, last = _text_of(value), _text_of(values[-1] if values else None)
            if text is not None and last is not None:
                values[-1] = ast.copy_location(ast.Constant(last + text), node)
            else:
                values.append(value)
        node.values = values
        return node


def _text_of(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run on import."""
    for node in body:
        is_main = isinstance(node, ast.If) and _canonical(node.test) in _IS_MAIN
        yield from _top_level(node.orelse) if isinstance(node, ast.If) and is_main else [node]


def _statement(node: ast.stmt, package: str | None) -> _Statement:
    code = compile(ast.Module([node], []), "<part>", "exec", dont_inherit=True, optimize=0)
    stored = {one.argval for one in dis.get_instructions(code) if one.opname in _STORES}
    return _Statement(
        binds=frozenset(stored | _changed_by(node)),
        reads=frozenset(_loads(code)),
        chains=_chains(node),
        imports=tuple(_imports_of(node, package, is_outside=False)),
        text=_canonical(node),
        is_code=isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef),
    )


def _loads(code: CodeType) -> Iterator[str]:
    """Yield the global names that a code object and its inner functions read."""
    yield from (one.argval for one in dis.get_instructions(code) if one.opname in _LOADS)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _loads(constant)


def _changed_by(node: ast.AST) -> set[str]:
    """Return the names whose values a statement may change without binding the names."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return set()
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
            return set()
        case ast.Expr():
            return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
        case (
            ast.Attribute(value=owner, ctx=ast.Store() | ast.Del())
            | ast.Subscript(value=owner, ctx=ast.Store() | ast.Del())
        ):
            return {name.id for name in ast.walk(owner) if isinstance(name, ast.Name)}
    return set().union(*map(_changed_by, ast.iter_child_nodes(node)))


def _chains(node: ast.AST) -> dict[str, frozenset[tuple[str, ...]]]:
    """Return the chains of attributes that are used of each name; () for the name alone."""
    found: dict[str, set[tuple[str, ...]]] = defaultdict(set)

    def visit(node: ast.AST, attributes: tuple[str, ...]) -> None:
        match node:
            case ast.Attribute():
                visit(node.value, (node.attr, *attributes))
            case ast.Name():
                found[node.id].add(attributes)
            case _:
                for child in ast.iter_child_nodes(node):
                    visit(child, ())

    visit(node, ())
    return {name: frozenset(chains) for name, chains in found.items()}


def _imports_of(node: ast.AST, package: str | None, *, is_outside: bool) -> Iterator[_Import]:
    """Yield the imports of a statement: either those outside functions or those inside."""
    match node:
        case ast.Import(names=names) if is_outside:
            for one in names:
                module = one.name if one.asname else one.name.partition(".")[0]
                yield _Import(module, None, one.asname or module)
        case ast.ImportFrom(names=names) if is_outside:
            module = node.module or ""
            if node.level:
                if package is None:
                    return
                module = importlib.util.resolve_name("." * node.level + module, package)
            for one in names:
                yield _Import(module, one.name, one.asname or one.name)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            if not is_outside:
                for child in ast.iter_child_nodes(node):
                    yield from _imports_of(child, package, is_outside=True)
                    yield from _imports_of(child, package, is_outside=False)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _imports_of(child, package, is_outside=is_outside)


def _canonical(node: Any) -> str:
    """Return a syntax tree as text, the same in every version of Python."""
    if isinstance(node, ast.AST):
        fields = [(name, value) for name, value in ast.iter_fields(node) if name not in _IGNORED]
        parts = [f"{name}={_canonical(value)}" for name, value in fields if value is not None and value != []]
        return f"{type(node).__name__}({', '.join(parts)})"
    if isinstance(node, list):
        return f"[{', '.join(map(_canonical, node))}]"
    return repr(node)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_SHORT]


#: ``__name__ == "__main__"``, either way round.
_IS_MAIN = frozenset(
    _canonical(syntax_tree(text, "eval").body)
    for text in ("__name__ == '__main__'", "'__main__' == __name__")
)
