"""The student's side: a loop that runs cells, calls functions and keeps handles, for one submission.

It holds no answers. Once the first cell has run, everything here may have been replaced by the student, so nothing it
says is believed; and because the code it runs is anyone's, this is the one module that catches every exception.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograder.invoke import Bench, invoke, load_given, traceable
from autograder.records import Call, Given, Handle, Lost, Outcome, Raised, Returned, Spy
from autograder.remembering import Around, look_through
from autograder.sandbox import channel
from autograder.sandbox.shell import Shell
from autograder.sandbox.telling import told
from autograder.wire import TRUSTED, Malformed, decode, encode

MAX_KIND = 200
REFUSED = "the function could not be evaluated with these arguments"


class UnknownHandle(BaseException):
    """A call mentions an object that this process never handed out."""


class Transport:
    """Frames to and from the grader. One exchange at a time, from whichever thread: JAX calls back from its own."""

    def __init__(self, peer: socket.socket):
        self._peer, self._lock = peer, threading.Lock()
        self._reader, self._requests = channel.Reader(peer), deque[Any]()
        self._asked: int | None = None  # the number of the request being answered; every frame carries it

    def greet(self, message: Mapping[str, Any]) -> None:
        channel.send(self._peer, channel.framed(*encode(dict(message))))

    def request(self) -> Any:
        """The grader's next request. Nobody can call back meanwhile: there is no call to belong to."""
        with self._lock:
            request = self._requests.popleft() if self._requests else self._frame()
            self._asked = request.get("id")
            return request

    def reply(self, head: bytes, blob: bytes) -> None:
        with self._lock:
            self._asked = None
            channel.send(self._peer, channel.framed(head, blob))

    def call_back(self, message: Mapping[str, Any], leaf: Callable[[Any], Handle | Given]) -> Any:
        """What the grader answers, or None when it is not waiting for this process."""
        with self._lock:
            if self._asked is None:
                return None
            channel.send(self._peer, channel.framed(*encode({"id": self._asked, **message}, leaf=leaf)))
            while "op" in (frame := self._frame()):  # a request that was on its way already
                self._requests.append(frame)
            return frame

    def _frame(self) -> Any:
        return decode(*self._reader.frame(), allow=TRUSTED)


class Worker:
    """One submission's namespace and handles, and the operations that the grader asks for."""

    def __init__(self, transport: Transport, shell: Shell, hello: Mapping[str, Any]):
        self._transport, self._shell = transport, shell
        self._output_kb: int = hello["output_kb"]
        self._handles: dict[int, Any] = {}
        self._idents: dict[int, int] = {}
        self._spies: Mapping[str, int] = {}
        self._bound: dict[int, str] = {}
        given = load_given(json.loads(text(hello["given"])))
        self._bench = Bench(given, self._object, self._spy, hello["arrays"])

    def serve(self) -> None:
        """Answer requests until the grader hangs up."""
        while True:
            request = self._transport.request()
            try:
                # Encoding too runs the student's code: an answer may be a list of their own making.
                frame = encode({"id": request["id"], **self._answer(request)}, leaf=self._keep)
            except UnknownHandle:
                frame = encode({"id": request["id"], "kind": "lost", "why": "protocol", "detail": "an unknown handle"})
            except Malformed as error:
                frame = encode({"id": request["id"], "kind": "lost", "why": "protocol", "detail": str(error)})
            except BaseException as error:
                frame = encode({"id": request["id"], **reply(told(error))})
            self._transport.reply(*frame)

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        match request:
            case {"op": "run", "source": source, "drawn": drawn}:
                outputs, outcome = self._shell.run(text(source), output_kb=self._output_kb, drawn=drawn)
                return {"outputs": np.frombuffer(outputs, np.uint8), **reply(outcome)}
            case {"op": "look", "cells": cells}:
                own, around, names = json.loads(text(cells))
                found = look_through(own, Around(**around), names)
                return {**reply(Returned(None)), "value": found, "changed": ()}
            case {"op": "call", "spies": spies, "asked": (target, call)}:
                self._spies = spies
                return self._call(target, call)
            case {"op": "bind", "name": name, "spy": spy, "spies": spies}:
                self._spies = spies
                function = traceable(self._spy(spy), spy)
                self._shell.user_ns[name] = function
                self._bound[id(function)] = name
                return reply(Returned(None))
        raise RuntimeError("the grader asked for something unknown")

    def _call(self, target: str | Handle, call: Call) -> dict[str, Any]:
        if isinstance(target, str) and target not in self._shell.user_ns:
            return reply(Lost("missing"))
        found = self._shell.user_ns[target] if isinstance(target, str) else self._object(target)
        answer = invoke(found, call, self._bench)
        return {"kind": "returned", "value": answer.value, "changed": answer.changed}

    def _keep(self, value: Any) -> Handle | Given:
        if id(value) in self._bound:  # one bound function passed to another
            return Given(self._bound[id(value)])
        kind = f"{type(value).__module__}.{type(value).__qualname__}"[:MAX_KIND]
        handle = Handle(self._idents.setdefault(id(value), len(self._idents)), kind, callable(value))
        self._handles[handle.ident] = value  # which keeps it alive, so that its id stays its own
        return handle

    def _object(self, handle: Handle) -> Any:
        if handle.ident not in self._handles:
            raise UnknownHandle
        return self._handles[handle.ident]

    def _spy(self, spy: Spy) -> Callable[..., Any]:
        """A function that asks the grader, and only while the grader waits for this process."""
        number = self._spies[spy.name]

        def function(*args: Any) -> Any:
            match self._transport.call_back({"kind": "callback", "spy": number, "args": tuple(args)}, self._keep):
                case {"answer": answer}:
                    return answer
            raise RuntimeError(REFUSED)

        function.__name__ = spy.name
        return function


def reply(outcome: Outcome) -> dict[str, Any]:
    """The part of a frame that tells an outcome without a value."""
    match outcome:
        case Raised(kind, message, trace):
            return {"kind": "raised", "type": kind, "message": message, "traceback": trace}
        case Lost(why, detail):
            return {"kind": "lost", "why": why, "detail": detail}
        case Returned():
            return {"kind": "returned", "value": None}


def text(array: np.ndarray) -> str:
    """Text of any length, which travels as bytes."""
    return array.tobytes().decode()


def main(peer: socket.socket, shell: Shell) -> None:
    """Serve one grader over `peer`, then end the process."""
    transport = Transport(peer)
    try:
        try:
            worker = Worker(transport, shell, transport.request())
        except Exception as error:
            transport.greet({"kind": "failed", "message": f"{type(error).__name__}: {error}"})
            os._exit(1)
        transport.greet({"kind": "ready"})
        worker.serve()
    except channel.Ended:
        os._exit(0)
