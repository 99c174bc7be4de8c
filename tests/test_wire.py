"""Values before trust: whatever comes over the line becomes plain values, a wrong answer, or a
clear end; never a crash of ours.
"""

from __future__ import annotations

import json
import math
import re
import socket
import struct
import threading
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import SandboxLost, WireError
from autograder.grading.student import Loaded, Student, Verdict
from autograder.limits import Limits
from autograder.sandbox import wire
from autograder.sandbox.box import Box, Reply, read_reply
from autograder.sandbox.inside import call as inside
from autograder.sandbox.inside import frames
from autograder.sandbox.process import Sandbox
from autograder.sandbox.wire import (
    Decoder,
    Opaque,
    TorchFunction,
    encode_value,
    load_tensors,
    printable,
    receive,
    send,
)

FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
WHOLES = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]


def same(one: Any, other: Any) -> bool:
    """Equal in type and value, NaN equal to NaN."""
    if isinstance(one, torch.Tensor):
        alike = (
            isinstance(other, torch.Tensor)
            and one.dtype == other.dtype
            and one.shape == other.shape
        )
        return alike and torch.equal(torch.nan_to_num(one), torch.nan_to_num(other))
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    return type(one) is type(other) and one == other


TENSORS = st.builds(
    lambda shape, dtype, seed: (
        torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 9
    ).to(dtype),
    st.lists(st.integers(0, 4), max_size=3),
    st.sampled_from(FLOATS + WHOLES),
    st.integers(0, 99),
)
LETTERS = st.text(st.characters(codec="ascii", categories=["L"]))
SCALARS = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats() | LETTERS
VALUES = st.recursive(
    SCALARS | TENSORS,
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple),
    max_leaves=8,
).filter(lambda value: depth(value) <= wire.MAX_DEPTH)


def depth(value: Any) -> int:
    return 1 + max(map(depth, value), default=0) if isinstance(value, list | tuple) else 0


# --- round trips ----------------------------------------------------------------------------------


@settings(deadline=None)
@given(VALUES)
def test_arguments_arrive_as_they_were(value: Any) -> None:
    tensors: dict[str, torch.Tensor] = {}
    tree = json.loads(json.dumps(encode_value(value, tensors)))
    payload = safetensors.torch.save(tensors) if tensors else b""
    assert same(inside.decode(tree, safetensors.torch.load(payload) if payload else {}), value)


@settings(deadline=None)
@given(VALUES)
def test_results_come_back_as_they_were(value: Any) -> None:
    tensors: dict[str, torch.Tensor] = {}
    tree = json.loads(json.dumps(inside.encode(value, tensors)))
    payload = safetensors.torch.save(tensors) if tensors else b""
    assert same(Decoder(load_tensors(payload)).decode(tree), value)


def test_a_long_list_of_numbers_comes_back_as_floats() -> None:
    tensors: dict[str, torch.Tensor] = {}
    tree = inside.encode([1, 2.5, torch.tensor(3.0), True] * 100, tensors)
    assert Decoder(tensors).decode(tree) == [1.0, 2.5, 3.0, 1.0] * 100


def test_a_long_list_tells_what_in_it_is_no_number() -> None:
    losses = [0.5] * 20 + [torch.ones(1), None, "text", [1.0], object()] + [math.nan] * 20
    came = crossed(losses)
    assert came[:20] == [0.5] * 20
    assert torch.equal(came[20], torch.ones(1))
    assert came[21:24] == [None, "text", [1.0]]
    assert type(came[24]).__name__ == "object"
    assert all(map(math.isnan, came[25:]))


def test_a_long_list_of_other_things_is_a_list_of_their_kinds() -> None:
    came = crossed(["x"] * 1000)
    assert len(came) == 1000
    assert came[:16] == ["x"] * 16
    assert {type(item).__name__ for item in came[16:]} == {"str"}


@pytest.mark.parametrize(
    "loss",
    [
        numpy.array(0.5),
        numpy.float32(0.5),
        torch.tensor(0.5),
        torch.tensor(0.5, dtype=torch.float16, requires_grad=True),
        torch.nn.Parameter(torch.tensor(0.5)),
        type("Loss", (float,), {})(0.5),
        Fraction(1, 2),
        Decimal("0.5"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("length", [3, 600])
def test_whatever_is_one_number_is_a_loss(loss: Any, length: int) -> None:
    came = crossed([loss] * length)
    assert list(map(float, came)) == [0.5] * length
    assert all(isinstance(item, float | torch.Tensor) for item in came)


def test_an_opaque_value_is_called_as_its_type_is() -> None:
    for value in (numpy.ones(3), {"a": 1}, 1j, {1}, iter([])):
        came = crossed(value)
        assert isinstance(came, Opaque)
        assert type(came).__name__ == type(value).__name__


@pytest.mark.parametrize("pairs", [5, [5], [[0]], [["0", 1]], [[3, 1]], [[-1, 1]], [[True, 1]]])
def test_a_place_in_a_long_list_is_a_place_in_it(pairs: Any) -> None:
    for name in ("odd", "more"):
        with pytest.raises(WireError):
            Decoder(CARRIED).decode({"floats": "1", name: pairs})


def test_torch_functions_cross_by_name() -> None:
    for function in (TorchFunction("sin"), torch.sin):
        assert inside.decode(encode_value(function, {}), {}) is torch.sin


def test_nothing_else_crosses_as_an_argument() -> None:
    for value in (object(), {"a": 1}, len, print):
        with pytest.raises(TypeError, match="only tensors"):
            encode_value(value, {})


# --- tensors that are no plain arrays -------------------------------------------------------------


class Loud(torch.Tensor):
    """A subclass that speaks up whatever is done with it."""

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if function.__name__ in ("equal", "allclose", "isfinite", "__eq__"):
            return True
        return super().__torch_function__(function, types, args, kwargs or {})


def crossed(value: Any) -> Any:
    """A result as the trusted side gets it."""
    tensors: dict[str, torch.Tensor] = {}
    tree = json.loads(json.dumps(inside.encode(value, tensors)))
    return Decoder(load_tensors(safetensors.torch.save(tensors) if tensors else b"")).decode(tree)


ODD: dict[str, Callable[[], torch.Tensor]] = {
    "sparse": lambda: torch.eye(3).to_sparse(),
    "sparse csr": lambda: torch.eye(3).to_sparse_csr(),
    "meta": lambda: torch.empty(3, device="meta"),
    "quantised": lambda: torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
    "complex": lambda: torch.ones(3, dtype=torch.complex64).conj(),
    "complex half": lambda: torch.zeros(3, dtype=torch.complex32),
    "float8": lambda: torch.ones(3).to(torch.float8_e4m3fn),
}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD.keys())
@pytest.mark.filterwarnings("ignore")
def test_a_tensor_that_is_no_plain_array_is_opaque(make: Callable[[], torch.Tensor]) -> None:
    try:
        assert isinstance(crossed(make()), Opaque)
    except (ValueError, KeyError, RuntimeError, safetensors.SafetensorError):
        pass  # inside, what cannot be packed is an exception of the student's


@pytest.mark.parametrize(
    "value",
    [
        torch.ones(3).as_subclass(Loud),
        torch.nn.Parameter(torch.ones(3)),
        torch.ones(3, requires_grad=True) * 1,
        torch.ones(1).expand(3),
        torch.ones(6)[::2],
        torch._neg_view(-torch.ones(3)),
        torch.ones(3, 1).T[0],
    ],
)
def test_a_tensor_in_disguise_becomes_a_plain_one(value: torch.Tensor) -> None:
    plain = crossed(value)
    assert type(plain) is torch.Tensor
    assert not plain.requires_grad
    assert plain.is_contiguous()
    assert torch.equal(plain, torch.ones(3))


def test_subclasses_of_numbers_tell_their_true_value() -> None:
    class Float(float):
        def __repr__(self) -> str:
            return "nan"

        def __float__(self) -> float:
            return 7.0

    class Int(int):
        def __repr__(self) -> str:
            return "[" * 10**5

    assert type(crossed(Float(18.0))) is float
    assert crossed(Int(3)) == 3
    assert isinstance(crossed(object()), Opaque)
    assert crossed("x" * 10**6) == "x" * inside.MESSAGE_CHARACTERS


# --- hostile trees --------------------------------------------------------------------------------

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["0", "1", "tuple", "nan"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["tensor", "floats", "float", "items", "type", "length", "other", "odd", "more"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)
CARRIED = {"0": torch.ones(2, 2), "1": torch.arange(3)}


@settings(max_examples=500, deadline=None)
@given(JSON)
def test_any_tree_is_decoded_or_refused(tree: Any) -> None:
    try:
        plain(Decoder(CARRIED).decode(tree))
    except WireError:
        pass


def plain(value: Any) -> None:
    """Fail unless `value` is made of plain values alone."""
    if type(value) in (list, tuple):
        for item in value:
            plain(item)
    else:
        known = type(value) in (bool, int, float, str, torch.Tensor) or isinstance(value, Opaque)
        assert value is None or known
        assert not isinstance(value, str) or (value.isprintable() and len(value) <= wire.MAX_TEXT)


def nested(levels: int) -> Any:
    tree: Any = []
    for _ in range(levels):
        tree = [tree]
    return tree


@pytest.mark.parametrize(
    "key", ["tensor", "floats", "float", "items", "other", "length", "odd", "more"]
)
@pytest.mark.parametrize("levels", [1, 900, 100_000])
def test_nesting_anywhere_is_no_recursion_of_ours(key: str, levels: int) -> None:
    try:
        Decoder(CARRIED).decode({key: nested(levels)})
        Decoder(CARRIED).decode({"items": [], key: nested(levels)})
        Decoder(CARRIED).decode({"floats": "1", key: nested(levels)})
    except WireError:
        pass


@pytest.mark.parametrize(
    ("tree", "value"),
    [
        (10**400, Opaque("int")),
        (-(10**400), Opaque("int")),
        ({"other": "x" * 10**6}, Opaque("x" * wire.MAX_NAME)),
        ({"other": "\u4e16<b>\x1b.f"}, Opaque("<b>.f")),
        ({"other": 5}, Opaque("")),
        ("\x1b[2J\ud800\u202e" + "y" * 10**6, "[2J" + "y" * 394),
        ({"float": "inf"}, math.inf),
    ],
)
def test_absurd_values_are_cut_to_size(tree: Any, value: Any) -> None:
    assert Decoder({}).decode(tree) == value


@pytest.mark.parametrize(
    "tree",
    [
        5.5,
        [],
        {},
        {"tensor": "none"},
        {"tensor": 0},
        {"floats": "2"},
        {"floats": "0"},
        {"float": "x"},
        {"float": 1},
        {"items": "abc"},
        {"items": [[]]},
        nested(5),
        {"items": [None] * 5000},
    ],
)
def test_what_is_no_tree_is_refused(tree: Any) -> None:
    with pytest.raises(WireError):
        Decoder(CARRIED).decode(tree)


def test_few_bytes_do_not_become_many_numbers() -> None:
    carried = {str(n): torch.zeros(1 << 20, dtype=torch.float64) for n in range(2)}
    carried["bytes"] = torch.zeros(1 << 20, dtype=torch.uint8)
    tracemalloc.start()
    for tree in ({"floats": "bytes"}, {"items": [{"floats": "0"}] * 2}):
        with pytest.raises(WireError):
            Decoder(carried).decode(tree)
    decoder = Decoder(carried)
    decoder.decode({"floats": "0"})
    with pytest.raises(
        WireError, match="too many numbers"
    ):  # the bound holds for all trees of a reply together
        decoder.decode({"floats": "1"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


@given(st.text() | st.integers() | st.none() | st.lists(st.text()))
def test_printable_text_is_printable(text: Any) -> None:
    said = printable(text, 50)
    assert said.isprintable()
    assert len(said) <= 50
    said.encode("utf-8")


# --- hostile payloads -----------------------------------------------------------------------------


def packed(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(dtype: str, shape: list, offsets: list) -> dict:
    return {"0": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


REFUSED = {
    "noise": b"\xff" * 64,
    "nothing but a length": struct.pack("<Q", 8),
    "too short": b"abc",
    "length beyond the end": packed({}, length=10**6),
    "length of 2**64": packed({}, length=2**64 - 1),
    "no json": packed(b"{" * 50),
    "deep json": packed(b"[" * 50_000),
    "list": packed([]),
    "offsets beyond the end": packed(tensor("F32", [4], [0, 16]), bytes(8)),
    "offsets backwards": packed(tensor("F32", [4], [16, 0]), bytes(16)),
    "wrong size": packed(tensor("F32", [4], [0, 8]), bytes(8)),
    "product overflows": packed(tensor("F32", [2**62, 4], [0, 0])),
    "negative": packed(tensor("F32", [-1], [0, 4]), bytes(4)),
    "unknown type": packed(tensor("F7", [1], [0, 1]), bytes(1)),
    "overlap": packed(
        {str(n): {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for n in range(2)}, bytes(4)
    ),
    "all header": packed(
        {str(n): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(20_000)}
    ),
}


@pytest.mark.parametrize("payload", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_payload_is_refused(payload: bytes) -> None:
    with pytest.raises(WireError):
        load_tensors(payload)


@pytest.mark.parametrize(
    "dtype", ["C64", "F8_E4M3", "F8_E5M2", "U16", "U32", "U64", "F4", "E8M0", "F6_E2M3"]
)
def test_odd_types_are_opaque_or_refused(dtype: str) -> None:
    for count in (1, 2, 4, 8, 16, 32):
        try:
            carried = load_tensors(packed(tensor(dtype, [4], [0, count]), bytes(count)))
        except WireError:
            continue
        assert isinstance(Decoder(carried).decode({"tensor": "0"}), Opaque)


def test_empty_tensors_of_absurd_shapes_are_tensors() -> None:
    for shape in ([0, 2**62], [2**31, 0, 2**31]):
        try:
            carried = load_tensors(packed(tensor("F32", shape, [0, 0])))
            value = Decoder(carried).decode({"tensor": "0"})
        except WireError:
            continue
        assert value.numel() == 0


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=300)
    | st.builds(packed, JSON, st.binary(max_size=40))
    | st.builds(packed, st.binary(max_size=60))
)
def test_any_payload_is_read_or_refused(payload: bytes) -> None:
    try:
        for value in load_tensors(payload).values():
            assert isinstance(value, torch.Tensor)
    except WireError:
        pass


# --- frames ---------------------------------------------------------------------------------------


def over_a_socket(
    data: bytes, header_bytes: int = 1 << 16, reply_bytes: int = 1 << 16, seconds: float = 5.0
) -> tuple[dict, bytes]:
    """What `receive` makes of bytes that another side writes and then hangs up."""
    ours, theirs = socket.socketpair()
    with ours:
        writer = threading.Thread(target=_write, args=(theirs, data))
        writer.start()
        try:
            return receive(ours, seconds, header_bytes, reply_bytes)
        finally:
            ours.close()
            writer.join()


def _write(connection: socket.socket, data: bytes) -> None:
    with connection:
        try:
            connection.sendall(data)
        except OSError:
            pass


def frame(text: bytes, payload: bytes = b"", lengths: tuple[int, int] | None = None) -> bytes:
    return struct.pack("!II", *(lengths or (len(text), len(payload)))) + text + payload


def test_a_frame_arrives_whole() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(ours, {"outcome": "returned"}, {"0": torch.ones(2)}, 5.0)
        header, payload = receive(theirs, 5.0, 100, 1000)
    assert header == {"outcome": "returned"}
    assert torch.equal(load_tensors(payload)["0"], torch.ones(2))


def test_the_other_side_reads_what_was_sent() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(ours, {"op": "call"}, {"0": torch.ones(2)}, 5.0)
        header, payload = frames.read_frame(theirs.fileno())
        assert header == {"op": "call"}
        assert torch.equal(safetensors.torch.load(payload)["0"], torch.ones(2))
        frames.write_all(theirs.fileno(), frames.pack({"outcome": "x"}, b"abc"))
        assert receive(ours, 5.0, 100, 100) == ({"outcome": "x"}, b"abc")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0",
        frame(b"{}", lengths=(100, 0)),
        frame(b"{}", lengths=(2**32 - 1, 0)),
        frame(b"{}", lengths=(2, 2**32 - 1)),
    ],
)
def test_half_a_frame_or_one_over_the_bounds_is_a_lost_sandbox(data: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(SandboxLost):
        over_a_socket(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20  # no room is made for what is only announced


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"NaN",
        b"{}",
        b'{"outcome": 5}',
        b'{"outcome": ["returned"]}',
        b'{"outcome": "x", "n": ' + b"9" * 5000 + b"}",
        b'{"outcome": "x", "n": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    ],
    ids=lambda text: text[:24],
)
def test_a_header_that_says_nothing_is_refused(text: bytes) -> None:
    with pytest.raises(WireError):
        over_a_socket(frame(text))


def test_a_silent_sandbox_is_lost_in_time() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(SandboxLost, match="did not answer"):
        theirs.send(b"\0")
        receive(ours, 0.1, 100, 100)


HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "outcome",
            "value",
            "arguments",
            "gradients",
            "message",
            "type",
            "where",
            "functions",
            "cpu_seconds",
        ]
    ),
    JSON,
)


@settings(max_examples=300, deadline=None)
@given(HEADERS, st.just(safetensors.torch.save(CARRIED)) | st.binary(max_size=50))
def test_any_reply_is_read_or_refused_and_has_one_clean_line(header: dict, payload: bytes) -> None:
    header["outcome"] = str(header.get("outcome"))
    try:
        reply = read_reply(header, payload)
    except WireError:
        return
    assert reply.message.isprintable()
    assert len(reply.message) < 2000
    Loaded.from_reply(None, Reply("loaded", header), ["f", "g"])  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["type", "message", "where"])
def test_deep_words_are_no_words(field: str) -> None:
    assert Reply("raised", {field: nested(5000)}).message == ""


@pytest.mark.parametrize("functions", [None, 5, [], ["f"], {"f": None}, {"f": []}, {"g": {}}])
def test_functions_that_are_none_are_missing(functions: Any) -> None:
    submission = Loaded.from_reply(None, Reply("loaded", {"functions": functions}), ["f"])  # type: ignore[arg-type]
    with pytest.raises(Verdict, match="f is not defined"):
        submission.require("f")


def test_defaults_that_are_no_numbers_are_none() -> None:
    header = {"functions": {"f": {"a": nested(5000), "b": 2, "c": "x" * 10**6, "d": {}}}}
    submission = Loaded.from_reply(None, Reply("loaded", header), ["f"])  # type: ignore[arg-type]
    assert submission.functions["f"] == {"a": None, "b": 2, "c": None, "d": None}


def test_large_replies_are_not_kept_for_the_diagnosis() -> None:
    class Generous:
        def call(self, *arguments: Any, **options: Any) -> Reply:
            return Reply("returned", {}, torch.zeros(1 << 20), (torch.zeros(1 << 20),), (), 8 << 20)

    submission = Loaded(Generous(), {"f": {}})  # type: ignore[arg-type]
    for _ in range(3):
        assert submission.ask("f", (), {}, 0).value.numel() == 1 << 20
    assert all(
        call.reply.value is None and call.reply.arguments == () for call in submission.recorded
    )


def test_what_is_recorded_of_one_submission_is_bounded() -> None:
    class Steady:
        def call(self, *arguments: Any, **options: Any) -> Reply:
            return Reply("returned", {}, torch.zeros(1 << 17), (), (), 1 << 19)

    submission = Loaded(Steady(), {"f": {}})  # type: ignore[arg-type]
    for _ in range(100):
        assert submission.ask("f", (), {}, 0).value.numel() == 1 << 17
    kept = [call.reply.value is not None for call in submission.recorded]
    assert kept == [True] * 64 + [False] * 36


def test_what_is_only_tried_is_held_against_nothing() -> None:
    class Slow:
        def call(self, *arguments: Any, **options: Any) -> Reply:
            slow = options["seed"] == 1
            return Reply("timed_out", {}) if slow else Reply("returned", {}, value=7)

    submission = Loaded(Slow(), {"f": {}})  # type: ignore[arg-type]
    student = Student(submission)
    assert student.seeded(1).attempt("f", 3) is None
    assert student.attempt("f", 3) == 7
    assert submission.recorded == []  # no known mistake is asked the same
    assert student.f(3) == 7
    with pytest.raises(Verdict, match="g is not defined"):
        student.attempt("g", 3)


def test_words_are_found_as_python_reads_names() -> None:
    submission = Loaded(None, {}, text="import torch\ntorch.linalg.\uff53vd(M)\n")  # type: ignore[arg-type]
    student = Student(submission)
    assert student.mentions(re.compile(r"\bsvd\b"))
    assert not student.mentions(re.compile("eig"))


# --- through a real box ---------------------------------------------------------------------------

FORGED = """
import json, os, struct, sys
def under_way():
    frame = sys._getframe()
    while "replies" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["replies"], frame.f_locals["number"]["number"]
def f(text, payload=""):
    text = text.replace('"NUMBER"', str(under_way()[1])).encode()
    payload = bytes.fromhex(payload)
    data = struct.pack("!II", len(text), len(payload)) + text + payload
    while data:
        data = data[os.write(under_way()[0], data):]
    os._exit(0)
def g():
    return 5
"""


@pytest.fixture
def forger(sandbox: Sandbox, quick: Limits) -> Any:
    with sandbox.open(quick) as box:
        box.load([{"kind": "statements", "source": FORGED, "label": ""}], ["f", "g"])
        yield box


def forged(box: Box, header: str, payload: bytes = b"") -> Reply:
    reply = box.call("f", (header, payload.hex()), {}, seed=0)
    assert box.call("g", (), {}, seed=0).value == 5, "the next call is untouched"
    return reply


def test_nesting_that_one_side_reads_and_the_other_does_not_is_an_end_of_the_call(
    forger: Box,
) -> None:
    for levels in (300, 900, 930, 950, 965, 975, 985, 995, 5000):
        deep = "[" * levels + "]" * levels
        reply = forged(forger, f'{{"number": "NUMBER", "outcome": "raised", "message": {deep}}}')
        assert reply.outcome in ("raised", "died", "output_limit")
        assert reply.message.isprintable()


def test_a_header_that_grows_when_rewritten_is_over_the_bound(forger: Box) -> None:
    reply = forged(
        forger, '{"number": "NUMBER", "outcome": "raised", "message": "' + "é" * 300_000 + '"}'
    )
    assert reply.outcome == "output_limit"


def test_forged_values_are_wrong_answers(forger: Box) -> None:
    assert (
        forged(
            forger,
            '{"number": "NUMBER", "outcome": "returned", "value": {"tensor": "0"}}',
            b"noise",
        ).outcome
        == "died"
    )
    assert (
        forged(forger, '{"number": "NUMBER", "outcome": "returned", "value": NaN}').outcome
        == "died"
    )
    assert forged(forger, '{"number": "NUMBER", "outcome": 5}').outcome == "died"
    assert forged(forger, "{").outcome == "died"
    reply = forged(
        forger,
        '{"number": "NUMBER", "outcome": "raised", "type": "\\ud800E", "message": "\\u001b[2J\\ud800x"}',
    )
    assert reply.message == "E: [2Jx"


@pytest.mark.parametrize("kind", ["floats", "tensor"])
def test_amplified_values_are_no_answer(forger: Box, kind: str) -> None:
    data = packed(tensor("F64", [10**5], [0, 8 * 10**5]), bytes(8 * 10**5))
    tree = '{"items": [' + ", ".join([f'{{"{kind}": "0"}}'] * 500) + "]}"
    reply = forged(forger, f'{{"number": "NUMBER", "outcome": "returned", "value": {tree}}}', data)
    assert (reply.outcome, "or one again" in reply.message) == ("died", True)


def test_a_header_of_many_parts_is_not_read(forger: Box) -> None:
    """To read a million bytes of them takes a third of a second, in which nobody is watched."""
    junk = "[" + ",".join(["[]", "{}"] * 10_000) + "]"
    reply = forged(forger, f'{{"number": "NUMBER", "outcome": "raised", "junk": {junk}}}')
    assert reply.outcome == "output_limit"


def test_of_a_header_only_what_is_known_is_kept(forger: Box) -> None:
    junk = "[" + ",".join(["[]"] * 1000) + "]"
    header = f'{{"number": "NUMBER", "outcome": "raised", "type": "E", "message": "{"x" * 10**5}"'
    reply = forged(forger, f'{header}, "junk": {junk}, "bases": {junk}, "where": {junk}}}')
    assert reply.header == {"type": "E", "message": "x" * 400, "bases": [""] * 8}
