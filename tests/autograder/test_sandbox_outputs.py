"""Outputs are collected within a budget, and read back as hostile data."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.sandbox.outputs import PNG, Collector, checked
from autograder.wire import Malformed

IMAGE = base64.b64encode(PNG + b"pixels").decode()


def read(*items: Any, limit_kb: int = 64) -> Any:
    return checked(json.dumps(items).encode(), limit_kb=limit_kb)


def test_what_is_collected_is_what_is_read() -> None:
    collector = Collector(64)
    collector.stream("stdout", "a")
    collector.stream("stdout", "b")
    collector.stream("stderr", "c")
    collector.display("display_data", {"text/plain": "<Figure>", "text/html": "<b>", "image/png": PNG + b"pixels"})
    collector.display("execute_result", {"text/plain": "1"})
    collector.error("ValueError", "no", ["line 1", "line 2"])
    assert checked(collector.finished(), limit_kb=64) == (
        {"output_type": "stream", "name": "stdout", "text": "ab"},
        {"output_type": "stream", "name": "stderr", "text": "c"},
        {"output_type": "display_data", "data": {"image/png": IMAGE, "text/plain": "<Figure>"}, "metadata": {}},
        {"output_type": "execute_result", "data": {"text/plain": "1"}, "metadata": {}, "execution_count": None},
        {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["line 1", "line 2"]},
    )


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr", "display"]), st.text(max_size=300)), max_size=60))
def test_the_budget_holds_whatever_is_put_out(parts: list[tuple[str, str]]) -> None:
    collector = Collector(1)
    for name, text in parts:
        if name == "display":
            collector.display("display_data", {"text/plain": text})
        else:
            collector.stream(name, text)
    outputs = checked(collector.finished(), limit_kb=1)
    texts = [o["text"] if "text" in o else o["data"]["text/plain"] for o in outputs]
    cut = bool(texts) and texts[-1].startswith("[The output was cut here")
    assert sum(map(len, texts[:-1] if cut else texts)) <= 1024
    assert cut or "".join(t for _, t in parts).encode("utf-8", "replace").decode() == "".join(texts) or "" in texts


def test_what_fits_exactly_is_kept() -> None:
    collector = Collector(1)
    for text in ("x" * 24, "", "", "", ""):
        collector.display("display_data", {"text/plain": text})
    assert len(checked(collector.finished(), limit_kb=1)) == 5
    collector.display("display_data", {"text/plain": ""})
    (*kept, last) = checked(collector.finished(), limit_kb=1)
    assert len(kept) == 5 and "cut here" in last["text"]


def test_an_image_over_the_budget_is_left_out_with_a_closing_line() -> None:
    collector = Collector(1)
    collector.display("display_data", {"image/png": b"x" * 2000, "text/plain": "<Figure>"})
    first, last = checked(collector.finished(), limit_kb=1)
    assert first["data"] == {"text/plain": "<Figure>"} and "cut here" in last["text"]


HOSTILE = {
    "no list": {},
    "an unknown kind": [{"output_type": "script"}],
    "HTML": [{"output_type": "display_data", "data": {"text/html": "<script>"}}],
    "no data": [{"output_type": "display_data", "data": {}}],
    "an image that is no base64": [{"output_type": "display_data", "data": {"image/png": "<script>"}}],
    "an image that is no PNG": [{"output_type": "display_data", "data": {"image/png": "PHN2Zz4="}}],
    "text that is no text": [{"output_type": "stream", "name": "stdout", "text": ["a"]}],
    "another stream": [{"output_type": "stream", "name": "score", "text": "1"}],
    "a traceback of numbers": [{"output_type": "error", "ename": "E", "evalue": "", "traceback": [1]}],
}


@pytest.mark.parametrize("what", HOSTILE)
def test_outputs_of_another_shape_are_malformed(what: str) -> None:
    with pytest.raises(Malformed):
        checked(json.dumps(HOSTILE[what]).encode(), limit_kb=64)


def test_only_the_allowed_parts_of_an_output_are_kept() -> None:
    sneaky = {"output_type": "stream", "name": "stdout", "text": "a", "metadata": {"x": 1}, "score": 12}
    assert read(sneaky) == ({"output_type": "stream", "name": "stdout", "text": "a"},)
    result = {
        "output_type": "execute_result",
        "data": {"text/plain": "1"},
        "execution_count": "<b>",
        "metadata": {"a": 1},
    }
    assert read(result)[0]["execution_count"] is None and read(result)[0]["metadata"] == {}


def test_lone_surrogates_are_replaced() -> None:
    assert read({"output_type": "stream", "name": "stdout", "text": "\ud800"})[0]["text"] == "?"


@pytest.mark.parametrize("raw", [b"", b"\xff", b"[" * 100_000, b"x" * 10_000_000])
def test_bytes_that_are_no_outputs_are_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        checked(raw, limit_kb=64)


@pytest.mark.parametrize(("side", "shown"), [(7_000, True), (60_000, False)])
def test_a_picture_too_large_to_look_at_is_named_instead(side: int, shown: bool) -> None:
    header = PNG + b"\0\0\0\rIHDR" + side.to_bytes(4, "big") * 2
    data = {"image/png": base64.b64encode(header).decode(), "text/plain": "<Figure>"}
    (output,) = checked(json.dumps([{"output_type": "display_data", "data": data}]).encode(), limit_kb=1)
    said = {"text/plain": "[A picture of 60,000 x 60,000 pixels is not shown.]"}
    assert output["data"] == (data if shown else said)
