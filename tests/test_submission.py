"""Bytes before trust: which file counts, what is read of it, and a clear status for everything that
is no submission.
"""

from __future__ import annotations

import errno
import json
import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import hostile_bank
import pytest
import tiny_course
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.assignment import read_assignment
from autograder.errors import AuthoringError, SubmissionError
from autograder.gradebook.rebuild import student_cells, wrap
from autograder.grading import submission
from autograder.grading.demonstrations import definitions
from autograder.grading.grader import Grader
from autograder.grading.submission import (
    Found,
    Submission,
    counts,
    find,
    modest,
    normalised,
    read,
    released_cells,
)

SLUG = "halves"


def write(path: Path, data: str | bytes = "x = 1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def notebook(*sources: object, **more: object) -> str:
    return json.dumps(
        {"nbformat": 4, "cells": [{"cell_type": "code", "source": source} for source in sources]}
        | more
    )


def refusal(path: Path) -> tuple[str, str]:
    """The status and the message with which reading `path` fails."""
    with pytest.raises(SubmissionError) as caught:
        read(path)
    return caught.value.status, str(caught.value)


def test_no_name_of_a_file_reaches_a_terminal_or_a_notebook_but_as_what_can_be_printed(
    tmp_path: Path,
) -> None:
    name = os.fsdecode(b"\xff\x1b[31m.ipynb")
    for data in (b"garbage", b"\xff", b"[]", b"\0", b"x" * ((16 << 20) + 1)):
        status, message = refusal(write(tmp_path / name, data))
        assert status == "unreadable"
        assert message.isprintable()
        assert message.encode("utf-8").startswith(b"??[31m.ipynb ")


def sources(path: Path) -> list[str]:
    return [unit.source for unit in read(path).units]


# --- finding --------------------------------------------------------------------------------------


def test_a_file_is_one_submission_of_nobody(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.py")
    assert find(path, SLUG) == [Found(path, None)]


def test_a_file_that_is_not_there_is_found_and_missing(tmp_path: Path) -> None:
    for name in ("gone.py", "x" * 300, "nul\0l.py"):
        (found,) = find(tmp_path / name, SLUG)
        assert refusal(found.path)[0] in ("missing", "unreadable")
    assert refusal(tmp_path / "gone.py") == ("missing", "there is no file gone.py")


def test_students_are_found_in_sorted_order(tmp_path: Path) -> None:
    for student in ("zoe", "-rf", "al", ".hidden", "a b", "né", "line\nbreak"):
        write(tmp_path / student / SLUG / f"{SLUG}.py")
    write(tmp_path / "other" / "something_else" / "x.py")
    write(tmp_path / "stray.py")
    assert [found.student for found in find(tmp_path, SLUG)] == sorted(
        ["zoe", "-rf", "al", "a b", "né", "line\nbreak"]
    )


def test_a_students_own_folder_is_found_too(tmp_path: Path) -> None:
    path = write(tmp_path / "al" / SLUG / f"{SLUG}.py")
    assert find(tmp_path / "al", SLUG) == [Found(path, "al")]


def test_a_folder_without_submissions_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    (found,) = find(folder, SLUG)
    assert found == Found(folder, None)
    said = "the folder empty has no submission in it: no folder <student>/<assignment>/"
    assert refusal(found.path) == ("missing", said)


def test_a_name_that_is_not_utf_8_has_its_result(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/\xff\xfe/" + SLUG.encode()
    os.makedirs(folder)
    with open(folder + b"/" + SLUG.encode() + b".py", "wb") as file:
        file.write(b"x = 1\n")
    (found,) = find(tmp_path, SLUG)
    assert read(found.path).units
    assert found.student == "\udcff\udcfe"


def test_the_notebook_counts_before_the_module(tmp_path: Path) -> None:
    module = write(tmp_path / f"{SLUG}.py")
    assert counts(tmp_path, SLUG) == module
    book = write(tmp_path / f"{SLUG}.ipynb", notebook("y = 2"))
    assert counts(tmp_path, SLUG) == book
    write(book, notebook("  \n"))
    assert counts(tmp_path, SLUG) == module
    write(book, "{")
    assert counts(tmp_path, SLUG) == book


def test_a_folder_with_neither_is_missing(tmp_path: Path) -> None:
    assert refusal(counts(tmp_path, SLUG)) == ("missing", f"there is no file {SLUG}.ipynb")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "the folder is empty"),
        (["work.zip"], "the folder holds work.zip"),
        (["a.ipynb", "b (1).ipynb"], "the folder holds a.ipynb, b (1).ipynb"),
        ([f"{SLUG}/{SLUG}.ipynb", "timestamp.txt"], f"the folder holds {SLUG}/"),
        (["\x1b[31m", "\udcff"], "the folder holds ?[31m, ?"),
        (["x" * 200, *"abcdefg"], "the folder holds a, b, c, d, e, ..."),
    ],
)
def test_what_lies_there_in_place_of_a_submission_is_said_before_and_in_the_gradebook(
    tmp_path: Path, names: list[str], said: str
) -> None:
    folder = tmp_path / "al" / SLUG
    folder.mkdir(parents=True)
    for name in names:
        write(folder / name, "no work")
    for laid in (None, folder / f"{SLUG}.ipynb"):
        (found,) = find(tmp_path, SLUG)
        assert refusal(found.path) == ("missing", f"there is no file {SLUG}.ipynb; {said}")
        if laid is None:
            assert wrap(folder, SLUG) == folder / f"{SLUG}.ipynb"
    module = write(folder / f"{SLUG}.py")
    assert counts(folder, SLUG) == module


def test_a_linked_folder_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "al" / SLUG / f"{SLUG}.py")
    (tmp_path / "bo").mkdir()
    (tmp_path / "bo" / SLUG).symlink_to(tmp_path / "al" / SLUG)
    al, bo = find(tmp_path, SLUG)
    assert (al.student, bo.student) == ("al", "bo")
    assert read(al.path).units
    assert refusal(bo.path) == ("unreadable", f"{SLUG} cannot be opened (it is a link)")


def test_a_folder_that_becomes_a_link_is_not_followed(tmp_path: Path) -> None:
    """After it was looked at, and before its file is read or a notebook is laid beside that."""
    (tmp_path / "staff").mkdir()
    write(tmp_path / "staff" / "solution.py")
    write(tmp_path / "submitted" / "al" / SLUG / "solution.py")
    (al,) = find(tmp_path / "submitted", SLUG)
    folder = al.path.parent
    folder.rename(folder.with_name("mine"))
    folder.symlink_to(tmp_path / "staff")
    assert refusal(al.path) == (
        "unreadable",
        "solution.py cannot be opened (its folder is a link)",
    )
    assert wrap(folder, SLUG) is None
    assert os.listdir(tmp_path / "staff") == ["solution.py"]
    (named,) = find(folder / "solution.py", SLUG)  # by a person who wants that file
    assert read(named.path).units


def test_what_lies_in_a_folder_that_may_not_be_listed_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module = write(Path("al", f"{SLUG}.py"))
    tmp_path.chmod(0o755)
    module.parent.chmod(0o333)
    root = os.geteuid() == 0  # who may list everything
    try:
        if root:
            os.seteuid(65534)
        with pytest.raises(PermissionError):
            os.listdir("al")
        assert read(counts(Path("al"), SLUG)).units
        assert wrap(Path("al"), SLUG)
    finally:
        if root:
            os.seteuid(0)
        module.parent.chmod(0o755)


# --- files that are none --------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in hostile_bank.MALFORMED if name != "surrogates"])
def test_every_malformed_file_is_read_or_refused_quickly(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "someone" / hostile_bank.SLUG
    folder.mkdir(parents=True)
    hostile_bank.MALFORMED[name](folder)
    before, descriptors = time.process_time(), len(os.listdir("/proc/self/fd"))
    try:
        read(counts(folder, hostile_bank.SLUG))
    except SubmissionError as error:
        assert error.status in ("unreadable", "missing")
        assert str(error).isprintable()
        assert len(str(error)) < 300
    assert time.process_time() - before < 5
    assert len(os.listdir("/proc/self/fd")) == descriptors


KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "directory": (lambda path: path.mkdir(), "is not a regular file"),
    "pipe": (lambda path: os.mkfifo(path), "is not a regular file"),
    "link": (lambda path: path.symlink_to("/etc/hostname"), "cannot be opened (it is a link)"),
    "link to nothing": (lambda path: path.symlink_to("nowhere"), "cannot be opened (it is a link)"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", [".py", ".ipynb"])
def test_only_regular_files_are_read(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"it{suffix}"
    make, said = KINDS[kind]
    make(path)
    assert refusal(path) == ("unreadable", f"it{suffix} {said}")


@pytest.mark.skipif(os.geteuid() != 0, reason="a device is not tried: only root makes one")
def test_a_device_is_not_read(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "zero.py", 0o20666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this container makes no devices: a device is not tried; give it CAP_MKNOD")
    assert refusal(tmp_path / "zero.py")[0] == "unreadable"


def test_an_error_of_the_disk_is_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int, count: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(submission, "_read_at_most", fail)
    assert refusal(write(tmp_path / "it.py")) == (
        "unreadable",
        "it.py cannot be opened (Input/output error)",
    )


def test_a_file_over_the_bound_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "it.ipynb"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert refusal(path) == ("unreadable", "it.ipynb is larger than 16 MiB; clear its outputs")


# --- text -----------------------------------------------------------------------------------------


def test_marks_and_line_ends_do_not_matter(tmp_path: Path) -> None:
    plain = sources(write(tmp_path / "a.py", "x = 1\ny = 'é'\n"))
    assert sources(write(tmp_path / "b.py", "\ufeffx = 1\r\ny = 'é'\r".encode())) == plain


@pytest.mark.parametrize(
    ("declaration", "encoding"),
    [
        ("# -*- coding: latin-1 -*-", "latin-1"),
        ("#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :", "cp1252"),
        ("# coding=iso-8859-15", "iso-8859-15"),
        ("# coding: gbk", "gbk"),
        ("# coding: utf8", "utf-8"),
        ("# -*- coding: utf-8-unix -*-", "utf-8"),  # as Emacs writes it
        ("# coding: latin-1-dos", "latin-1"),
        ("# coding: iso-latin-1-unix", "latin-1"),
        ("# no declaration", "utf-8"),
        ("x = 0\n# coding: ascii", "utf-8"),
    ],
)
def test_a_module_may_declare_its_encoding(tmp_path: Path, declaration: str, encoding: str) -> None:
    text = f"{declaration}\ny = 'ü'\n"
    assert sources(write(tmp_path / "it.py", text.encode(encoding))) == [text]


@pytest.mark.parametrize("name", ["punycode", "unicode_escape", "rot13", "zip", "cp9999", "utf-16"])
def test_an_encoding_that_is_no_plain_text_is_said_by_name(tmp_path: Path, name: str) -> None:
    status, said = refusal(write(tmp_path / "it.py", f"# coding: {name}\n"))
    assert status == "unreadable"
    assert "save it as UTF-8" in said


def test_a_merge_conflict_in_a_notebook_is_said_by_name(tmp_path: Path) -> None:
    text = notebook("x = 1").replace('"cells"', '\n<<<<<<< HEAD\n"cells"')
    assert "merge conflict" in refusal(write(tmp_path / "it.ipynb", text))[1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("é = 1\n".encode("latin-1"), "it.py is not UTF-8 (byte 0)"),
        ("x = 1\n".encode("utf-16"), "it.py is not UTF-8 (byte 0)"),
        (b"x = 1\0\n", "it.py holds null bytes"),
        (b"#" * (1 << 20) + b"\n", "it.py holds more than 1 Mi characters of code"),
    ],
)
def test_what_is_no_text_is_unreadable(tmp_path: Path, data: bytes, said: str) -> None:
    assert refusal(write(tmp_path / "it.py", data)) == ("unreadable", said)


# --- notebooks ------------------------------------------------------------------------------------


def test_sources_may_be_text_or_lists_of_it(tmp_path: Path) -> None:
    cells = ["a\n", ["b\n", "c"], "", [], 7, None, {"d": 1}, ["e", 5, None, ["f"]], "nu\0l"]
    assert sources(write(tmp_path / "it.ipynb", notebook(*cells))) == ["a\n", "b\nc", "e", "nul"]


def test_half_a_character_is_read_as_a_browser_reads_it(tmp_path: Path) -> None:
    cells = ["x = 1  # \ud83d", ["# \udc00\n", "y"], "# \U0001f600"]
    read_back = sources(write(tmp_path / "it.ipynb", notebook(*cells)))
    assert read_back == ["x = 1  # \ufffd", "# \ufffd\ny", "# \U0001f600"]
    parts = [cell.source for cell in student_cells(tmp_path / "it.ipynb")]
    assert parts == read_back, "as it is entered in the gradebook"


def test_cells_are_numbered_as_in_the_notebook(tmp_path: Path) -> None:
    cells = [
        {"cell_type": kind, "source": "x"}
        for kind in ("markdown", "code", "raw", "strange", "code")
    ]
    read_back = read(write(tmp_path / "it.ipynb", json.dumps({"cells": cells})))
    assert [unit.label for unit in read_back.units] == ["2", "5"]


def test_format_3_keeps_its_cells_in_worksheets(tmp_path: Path) -> None:
    sheets = [
        {
            "cells": [
                {"cell_type": "code", "input": ["x = 1\n", "y"]},
                {"cell_type": "heading", "source": "h"},
            ]
        }
    ]
    assert sources(
        write(tmp_path / "it.ipynb", json.dumps({"nbformat": 3, "worksheets": sheets}))
    ) == ["x = 1\ny"]


@pytest.mark.parametrize("version", [None, 2, 99, -1, "4", [], {}])
def test_no_version_is_believed(tmp_path: Path, version: object) -> None:
    assert sources(write(tmp_path / "it.ipynb", notebook("x", nbformat=version, metadata=7))) == [
        "x"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a notebook"),
        ("[]", "is not a notebook"),
        ("null", "is not a notebook"),
        ('{"cells": {}}', "it has no list of cells"),
        ('{"cells": "code"}', "it has no list of cells"),
        ('{"worksheets": []}', "it has no list of cells"),
        ('{"worksheets": [[]]}', "it has no list of cells"),
        ('{"cells": [', "is not a notebook"),
        ('{"cells": [], "nbformat": ' + "9" * 5000 + "}", "is not a notebook"),
        ('{"cells": ' + "[" * 65 + "]" * 65 + "}", "nested too deep"),
        ("[" * 10**6, "nested too deep"),
        ("]" * 10**6, "nested too deep"),
        (json.dumps({"cells": [{}] * 2001}), "more than 2000 cells"),
        (json.dumps({"cells": [], "x": [[]] * 250_000}), "in too many parts"),
        (notebook(*["x" * 1000] * 1100), "more than 1 Mi characters of code"),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_no_notebook_is_unreadable(tmp_path: Path, text: str, said: str) -> None:
    status, message = refusal(write(tmp_path / "it.ipynb", text))
    assert status == "unreadable"
    assert said in message


def test_cells_that_are_none_are_passed_over(tmp_path: Path) -> None:
    cells = [1, None, [], "code", {}, {"cell_type": "code"}, {"cell_type": ["code"], "source": "x"}]
    good = {"cell_type": "code", "source": "y", "metadata": "none", "outputs": 3}
    assert sources(write(tmp_path / "it.ipynb", json.dumps({"cells": [*cells, good]}))) == ["y"]


def test_cells_that_the_student_left_unchanged_are_skipped(tmp_path: Path) -> None:
    path = write(tmp_path / "it.ipynb", notebook("demo()  \n\n", "mine()"))
    assert [unit.source for unit in read(path, {"demo()": ()}).units] == ["mine()"]


DEMONSTRATION = """
import math, statistics as st
SCALE = [2.0, 3]
drawn = train(100)
def distances(x):
    return helper(x) * SCALE[0]
@cached
def helper(x):
    return math.sqrt(x)
class Unused: pass
"""


@pytest.mark.parametrize(
    ("mine", "there"),
    [
        ("def f(x): return 2 * x", ""),
        ("def f(x): return SCALE[1]", "SCALE = [2.0, 3]"),
        ("def f(x): return st.mean(x)", "import math, statistics as st"),
        ("def f(x): return drawn", ""),  # to make it takes a training
        # one's own is not replaced by what stands further down
        ("SCALE, two = [1.0, 2], 2\ndef f(x): return SCALE[1]", ""),
        ("def helper(x): return x\ndef f(x): return helper(x)", ""),
        ("def f(x):\n    SCALE = distances(x)\n    return SCALE", "def distances(x):"),
        ("%magic that is no Python, with distances in it", "def distances(x):|helper|math|SCALE"),
    ],
)
def test_what_demonstrations_define_is_there_where_it_is_named(
    tmp_path: Path, mine: str, there: str
) -> None:
    """Whatever its definitions name in turn is, too; nothing that is computed, and nothing else."""
    path = write(tmp_path / "it.ipynb", notebook(DEMONSTRATION, mine))
    skip = {normalised(DEMONSTRATION): definitions(DEMONSTRATION)}
    *before, last = read(path, skip).units
    assert last.source == mine
    assert all(unit.label == "1" for unit in before)
    source = "".join(unit.source for unit in before)
    assert [part in source for part in there.split("|")] == [True] * len(there.split("|"))
    assert bool(source) == bool(there)
    assert "train" not in source and "Unused" not in source


def test_a_released_notebook_that_is_none_is_said_before_anybody_is_graded(tmp_path: Path) -> None:
    tiny_course.write(tmp_path)
    assignment = read_assignment(tmp_path / "reference_solutions" / "halves")
    assignment.released.mkdir(parents=True, exist_ok=True)
    assignment.notebook.write_text('{"cells": <<<<<<< HEAD', encoding="utf-8")
    with pytest.raises(AuthoringError, match="autograder release halves"):
        released_cells(assignment)


# --- bounds ---------------------------------------------------------------------------------------

LARGE = 16 << 20
WORST = {
    "one long string": '{"a":"' + "x" * (LARGE - 8) + '"}',
    "escaped quotes": '"' + '\\"' * (LARGE // 2 - 2),
    "escaped quotes and a stray backslash": '"' + '\\"' * (LARGE // 2 - 2) + "\\",
    "short strings": '"",' * (LARGE // 3),
    "quotes": '"' * LARGE,
    "pairs": "[]," * (LARGE // 3),
    "numbers": "[" + "0," * (LARGE // 2 - 2) + "0]",
}


@pytest.mark.parametrize("text", WORST.values(), ids=WORST.keys())
def test_brackets_of_the_largest_files_are_counted_in_seconds(text: str) -> None:
    before = time.process_time()
    modest(text)
    assert time.process_time() - before < 5


def test_few_bytes_do_not_become_much_memory(tmp_path: Path) -> None:
    for text in (
        "[" + "[]," * (LARGE // 3 - 2) + "0]",
        '{"cells":[' + "{}," * (LARGE // 3 - 8) + "{}]}",
    ):
        path = write(tmp_path / "it.ipynb", text)
        tracemalloc.start()
        refusal(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8 * LARGE


def oracle_depth(text: str) -> tuple[int, int, bool]:
    """How deep brackets outside strings nest, how many open, and whether one closes that was not
    open: one character at a time.
    """
    depth = deepest = opened = 0
    below = inside = escaped = False
    for character in text:
        if inside:
            inside = escaped or character != '"'
            escaped = not escaped and character == "\\"
        elif character == '"':
            inside = True
        elif character in "[{":
            depth, opened = depth + 1, opened + 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
            below = below or depth < 0
    return deepest, opened, below


@given(st.text(alphabet='[]{}"\\,a\n', max_size=400))
def test_strings_hide_their_brackets(text: str) -> None:
    deepest, opened, below = oracle_depth(text)
    assert modest(text) == (
        deepest <= submission.MAX_DEPTH and opened <= submission.MAX_CONTAINERS and not below
    )


# --- anything at all ------------------------------------------------------------------------------

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=20,
)
CELL = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw"]) | ANYTHING,
        "source": st.text(max_size=30)
        | st.lists(st.text(max_size=9) | ANYTHING, max_size=4)
        | ANYTHING,
        "input": st.text(max_size=30) | ANYTHING,
        "metadata": ANYTHING,
    },
)
NOTEBOOK = st.fixed_dictionaries(
    {},
    optional={
        "nbformat": ANYTHING,
        "cells": st.lists(CELL | ANYTHING, max_size=8) | ANYTHING,
        "worksheets": st.lists(
            st.fixed_dictionaries({"cells": st.lists(CELL, max_size=3) | ANYTHING}) | ANYTHING,
            max_size=2,
        ),
        "metadata": ANYTHING,
    },
)
OFTEN = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def read_or_refuse(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        source = read(path)
    except SubmissionError as error:
        assert error.status == "unreadable"
        assert len(str(error)) < 300
    else:
        assert isinstance(source, Submission)
        assert all(
            isinstance(unit.source, str) and "\0" not in unit.source for unit in source.units
        )
        assert sum(len(unit.source) for unit in source.units) <= submission.MAX_SOURCE


@OFTEN
@given(data=st.binary(max_size=2000), suffix=st.sampled_from([".py", ".ipynb", ""]))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes, suffix: str) -> None:
    read_or_refuse(tmp_path / f"it{suffix}", data)


@OFTEN
@given(value=ANYTHING | NOTEBOOK, ascii_only=st.booleans())
def test_any_json_is_read_or_refused(tmp_path: Path, value: object, ascii_only: bool) -> None:
    read_or_refuse(
        tmp_path / "it.ipynb", json.dumps(value, ensure_ascii=ascii_only).encode(errors="replace")
    )


@OFTEN
@given(value=NOTEBOOK, cut=st.integers(0, 200), junk=st.binary(max_size=6))
def test_any_broken_notebook_is_read_or_refused(
    tmp_path: Path, value: object, cut: int, junk: bytes
) -> None:
    data = json.dumps(value).encode()
    read_or_refuse(tmp_path / "it.ipynb", data[:cut] + junk + data[cut:])


def test_grading_gives_a_result_for_each_of_them(tmp_path: Path) -> None:
    """A submission that cannot be read costs no sandbox: its result is made before one is started."""
    from conftest import ASSIGNMENTS

    grader = Grader(ASSIGNMENTS[0], secret="")
    (tmp_path / "folder.py").mkdir()
    for path in (tmp_path / "gone.py", tmp_path / "folder.py", write(tmp_path / "it.ipynb", "{")):
        result = grader.grade(Found(path, None))
        assert result.status == ("missing" if path.name == "gone.py" else "unreadable")
        assert result.message
        assert result.score == 0
    assert grader.sandbox is None
