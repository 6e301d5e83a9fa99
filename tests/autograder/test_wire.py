"""Values make the trip unchanged; bytes that are no value are `Malformed`, and nothing else."""

import contextlib
import json
import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder import wire
from autograder.arrays import DTYPES
from autograder.records import Call, Check, Given, Handle, Key, Parameter, Spec, Spy, Transform
from autograder.wire import HOSTILE, TRUSTED, Malformed, decode, encode, from_text, to_text

ARRAYS = st.sampled_from(sorted(DTYPES)).flatmap(
    lambda name: hnp.arrays(DTYPES[name], hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=20)
KEYS = st.integers(0, 99) | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS | ARRAYS,
    lambda part: (
        st.lists(part, max_size=3) | st.lists(part, max_size=3).map(tuple) | st.dictionaries(KEYS, part, max_size=3)
    ),
    max_leaves=10,
)
NODES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda part: (
        st.lists(part, max_size=4)
        | st.dictionaries(st.sampled_from(["$s", "$f", "$l", "$t", "$d", "$a", "$r", "x"]), part, max_size=2)
    ),
    max_leaves=12,
)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(map(repr, a)) == list(map(repr, b)) and all(map(same, a.values(), b.values()))
    if isinstance(a, float) and math.isnan(a):
        return isinstance(b, float) and math.isnan(b)
    if isinstance(a, str):
        return a.encode("utf-8", "replace").decode() == b
    return type(a) is type(b) and a == b


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert same(value, decode(*encode(value)))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | NODES.map(lambda n: json.dumps(n).encode()), st.binary(max_size=32))
def test_any_bytes_are_a_value_or_malformed(head: bytes, blob: bytes) -> None:
    with contextlib.suppress(Malformed):
        decode(head, blob)


@settings(max_examples=150, deadline=None)
@given(VALUES, st.data())
def test_a_damaged_frame_is_a_value_or_malformed(value: Any, data: st.DataObject) -> None:
    head, blob = encode(value)
    at = data.draw(st.integers(0, len(head) - 1))
    damaged = head[:at] + data.draw(st.binary(max_size=3)) + head[at + data.draw(st.integers(0, 3)) :]
    for allow in (HOSTILE, TRUSTED):
        with contextlib.suppress(Malformed):
            decode(damaged, blob[: data.draw(st.integers(0, len(blob)))], allow=allow)


MALFORMED = {
    "no JSON": b"{",
    "a constant that is not JSON": b"NaN",
    "an unknown node": b'{"$x": 1}',
    "two tags": b'{"$t": [], "$d": []}',
    "a tag among names": b'{"x": 1, "$t": []}',
    "a tag with nothing to it": b'{"$": 1}',
    "a name that is not ASCII": '{"é": 1, "x": 2}'.encode(),
    "a text that is too long": b'"%s"' % (b"x" * (wire.MAX_TEXT + 1)),
    "a name that is too long": b'{"%s": 1}' % (b"x" * (wire.MAX_TEXT + 1)),
    "a pair of two letters": b'{"$d": ["ab"]}',
    "three of a pair": b'{"$d": [[1, 2, 3]]}',
    "an integer of 70 bits": str(2**70).encode(),
    "an integer of 10,000 digits": b"9" * 10_000,
    "an object array": b'{"$a": ["object", [1], 0]}',
    "an array beyond the blob": b'{"$a": ["float64", [2], 0]}',
    "an array before the blob": b'{"$a": ["uint8", [1], -1]}',
    "a negative side": b'{"$a": ["uint8", [-1], 0]}',
    "a side that overflows": b'{"$a": ["uint8", [4294967296, 4294967296], 0]}',
    "a boolean side": b'{"$a": ["uint8", [true], 0]}',
    "seventeen axes": b'{"$a": ["uint8", [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1], 0]}',
    "an unhashable key": b'{"$d": [[[], 1]]}',
    "an array as a key": b'{"$d": [[{"$a": ["uint8", [1], 0]}, 1]]}',
    "a record of the grader's": b'{"$r": ["Check", {"label": "x", "kind": "value"}]}',
    "a record that is none": b'{"$r": ["open", {}]}',
    "a handle without a number": b'{"$r": ["Handle", {"ident": "x", "type": "", "callable": true}]}',
    "a handle whose number is none": b'{"$r": ["Handle", {"ident": true, "type": ""}]}',
    "a handle of no type": b'{"$r": ["Handle", {"ident": 1, "type": 2}]}',
    "a deep tree": b"[" * 100 + b"]" * 100,
    "a deep tree of names": b'{"a": ' * 100 + b"1" + b"}" * 100,
    "a tree too deep for the parser": b"[" * 100_000,
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_frame_is_refused(what: str) -> None:
    with pytest.raises(Malformed):
        decode(MALFORMED[what], b"12345678")


def test_a_sheet_of_an_earlier_release_is_read() -> None:
    """Texts and lists had tags of their own, and every field of a record was written."""
    tree = {"$d": [[{"$s": "a"}, {"$l": [1, {"$s": "é"}, {"$r": ["Spec", {"kind": {"$s": "any"}, "axes": None}]}]}]]}
    assert from_text(json.dumps({"tree": tree, "arrays": ""})) == {"a": [1, "é", Spec()]}


def test_a_frame_over_the_caps_is_refused() -> None:
    with pytest.raises(Malformed, match="too large"):
        decode(b" " * (wire.MAX_HEAD + 1), b"")
    with pytest.raises(Malformed, match="should take at most"):
        encode(["x" * wire.MAX_TEXT] * (wire.MAX_HEAD // wire.MAX_TEXT + 1))
    with pytest.raises(Malformed, match="more than"):
        encode(np.broadcast_to(np.uint8(0), wire.MAX_BLOB + 1))
    with pytest.raises(Malformed, match="too deeply"):
        encode([[]] * (wire.MAX_NODES + 1))


def test_a_boolean_array_holds_only_true_and_false() -> None:
    array = decode(b'{"$a": ["bool", [2], 0]}', b"\x00\x07")
    assert array.dtype == bool and array.view(np.uint8).tolist() == [0, 1]


def test_arrays_arrive_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        decode(*encode(np.zeros(2)))[0] = 1


def test_big_endian_and_strided_arrays_arrive_as_values() -> None:
    array = np.arange(6, dtype=">f8").reshape(2, 3).T
    assert decode(*encode(array)).tolist() == array.tolist()


def test_what_is_not_data_becomes_a_leaf_or_is_refused() -> None:
    assert decode(*encode([print], leaf=lambda x: Handle(7, "function", True))) == [Handle(7, "function", True)]
    with pytest.raises(Malformed, match="a builtin_function_or_method cannot be sent"):
        encode([print])


def test_a_named_tuple_arrives_as_a_tuple() -> None:
    class Pair(NamedTuple):
        x: int
        y: int

    assert decode(*encode(Pair(1, 2))) == (1, 2)


def test_a_call_survives_as_text_but_for_its_functions() -> None:
    spy = Spy("f", math.sin, (Parameter("x", Spec("float", ())),), Spec("float", ()))
    call = Call((1.0, Given("g"), Key(3), spy), then=(("fit", ()),), transform=Transform("grad", (0,)))
    back = from_text(to_text(call))
    assert back == call
    with pytest.raises(RuntimeError, match="lives on the grader's side"):
        back.args[3].function(1.0)


def test_text_that_is_no_sheet_is_malformed() -> None:
    for text in ("", "[]", '{"tree": 1}', '{"tree": null, "arrays": "?"}', "[" * 100_000):
        with pytest.raises(Malformed, match="not a sheet"):
            from_text(text)


def test_a_worker_may_send_handles_only() -> None:
    head, blob = encode(Check("x", "value"))
    assert decode(head, blob, allow=TRUSTED) == Check("x", "value")
    with pytest.raises(Malformed):
        decode(head, blob)
