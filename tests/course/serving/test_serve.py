"""`course serve` behind the official client: it completes, streams, and says what is wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import uvicorn
from helpers.alphabet_model import save_alphabet_model
from typer.testing import CliRunner

from utils.course import cli
from utils.course.commands.serve import listening
from utils.course.serving.requests import completion_order
from utils.course.serving.server import make_app
from utils.data.texts.models import open_model

COURSE = [sys.executable, "-m", "utils.course.cli", "serve", "--port", "0"]
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
ASK = [{"role": "user", "content": "ab"}]


def client_of(address: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=address, api_key="any", max_retries=0, timeout=30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen]]:
    path = save_alphabet_model(tmp_path_factory.mktemp("model"))
    process = subprocess.Popen(
        [*COURSE, "--model", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    line = process.stdout.readline()
    found = re.search(r"abc is served at (http://127\.0\.0\.1:\d+/v1)", line)
    assert found, line
    yield found[1], process
    process.send_signal(signal.SIGINT)
    try:
        rest = process.communicate(timeout=10)[0]
    finally:
        process.kill()
    assert "Traceback" not in rest


@pytest.fixture
def client(server: tuple[str, subprocess.Popen]) -> openai.OpenAI:
    return client_of(server[0])


def test_it_lists_its_model(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["abc"]
    assert client.models.retrieve("abc").object == "model"
    with pytest.raises(openai.NotFoundError, match="'gpt-4' does not exist; this server has 'abc'"):
        client.models.retrieve("gpt-4")


def test_it_completes(client: openai.OpenAI) -> None:
    done = client.completions.create(model="abc", prompt="xyzab")
    assert (done.choices[0].text, done.choices[0].finish_reason) == (ALPHABET[2:], "stop")
    assert done.object == "text_completion"
    assert done.usage.model_dump(exclude_none=True) == {
        "prompt_tokens": 5,
        "completion_tokens": 24,
        "total_tokens": 29,
    }
    cut = client.completions.create(model="abc", prompt="a", max_tokens=3, stop=["z", "yz"])
    assert (cut.choices[0].text, cut.choices[0].finish_reason) == ("bcd", "length")
    stopped = client.completions.create(model="abc", prompt="a", stop="fgh")
    assert (stopped.choices[0].text, stopped.choices[0].finish_reason) == ("bcde", "stop")
    several = client.completions.create(model="abc", prompt=["v", "x"], n=2, max_tokens=2)
    assert [(c.index, c.text) for c in several.choices] == [
        (0, "wx"),
        (1, "wx"),
        (2, "yz"),
        (3, "yz"),
    ]
    assert several.usage.prompt_tokens == 2
    tokens = client.completions.create(model="abc", prompt=[[120], [121]])
    assert [choice.text for choice in tokens.choices] == ["yz", "z"]
    assert client.completions.create(model="abc", prompt=[120]).choices[0].text == "yz"
    whole = client.completions.create(model="abc", prompt=[120.0], n=2.0)  # JSON knows no other
    assert [choice.text for choice in whole.choices] == ["yz", "yz"]


def test_it_chats(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(
        model="abc",
        messages=[
            {"role": "developer", "content": "Say the alphabet."},
            {"role": "user", "content": [{"type": "text", "text": "u"}]},
        ],
        max_completion_tokens=4,
        user="me",
        logprobs=False,
    )
    message = done.choices[0].message
    assert (message.role, message.content) == ("assistant", "vwxy")
    assert done.choices[0].finish_reason == "length"
    assert done.usage.prompt_tokens == len("Say the alphabet.\nu")


def test_it_streams(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="abc", messages=ASK, n=2, stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = list(stream)
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in [*chunks, last]}) == 1
    for index in (0, 1):
        mine = [c.choices[0] for c in chunks if c.choices[0].index == index]
        assert mine[0].delta.role == "assistant"
        assert [choice.delta.content for choice in mine[1:-1]] == list(ALPHABET[2:])
        assert [choice.finish_reason for choice in mine][-2:] == [None, "stop"]
    assert last.choices == []
    assert last.usage.completion_tokens == 48
    pieces = list(client.completions.create(model="abc", prompt="v", stream=True))
    assert "".join(chunk.choices[0].text for chunk in pieces) == "wxyz"
    assert pieces[-1].choices[0].finish_reason == "stop"


def test_a_stream_ends_as_the_api_says(server: tuple[str, subprocess.Popen]) -> None:
    body = json.dumps({"model": "abc", "prompt": "y", "stream": True}).encode()
    asked = urllib.request.Request(
        f"{server[0]}/completions", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        events = answer.read().decode().split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    assert json.loads(events[0].removeprefix("data: "))["choices"][0]["text"] == "z"


WRONG: list[tuple[dict[str, Any], str, str, str | None]] = [
    ({"temperature": -1}, "temperature is -1: give a number from 0 to 2", "temperature", None),
    ({"temperature": "hot"}, "'hot': give a number", "temperature", None),
    ({"temperature": True}, "True: give a number", "temperature", None),
    ({"top_p": 1.5}, "top_p is 1.5: give a number from 0 to 1", "top_p", None),
    ({"n": 0}, "n is 0: give a whole number, from 1 to 128", "n", None),
    ({"n": 2.5}, "n is 2.5", "n", None),
    ({"seed": "x"}, "seed is 'x': give a whole number", "seed", None),
    ({"max_tokens": 0}, "max_tokens is 0: give a whole number, at least 1", "max_tokens", None),
    ({"stream": "yes"}, "stream is 'yes': give true or false", "stream", None),
    ({"stream_options": 3}, "stream_options must be an object", "stream_options", None),
    ({"stop": [""]}, "none of them empty", "stop", None),
    ({"stop": list("abcde")}, "a list of 4 at most", "stop", None),
    ({"stop": [1]}, "stop is", "stop", None),
    ({"warmth": 2}, "Unrecognized request argument supplied: warmth", "warmth", None),
    ({"tools": [{"x": 1}]}, "can't do tools: leave it out", "tools", "unsupported_parameter"),
    ({"best_of": True}, "can't do best_of", "best_of", "unsupported_parameter"),
    ({"logprobs": 3}, "logprobs is 3: give true or false", "logprobs", None),
    ({"top_logprobs": 3}, "needs logprobs to be true", "top_logprobs", None),
    ({"temperature": 10**400}, "temperature is 1000.*…: give a number", "temperature", None),
    ({"top_p": -(10**400)}, "top_p is -1000.*…: give a number from 0 to 1", "top_p", None),
    ({"top_k": 2.5}, "top_k is 2.5: give a whole number", "top_k", None),
    ({"repeat_penalty": 0}, "repeat_penalty is 0: give a number from 0.01", "repeat_penalty", None),
    (
        {"repeat_penalty": 1, "repetition_penalty": 0},
        "repetition_penalty is 0: give a number",
        "repetition_penalty",
        None,
    ),
    ({"max_completion_tokens": 1, "max_tokens": 0}, "max_tokens is 0: give", "max_tokens", None),
    ({"min_p": "x" * 999}, r"min_p is 'x{79}…: give", "min_p", None),
    ({"n": 129}, "n is 129: give a whole number, from 1 to 128", "n", None),
    (
        {"messages": [{"role": ["user"], "content": "a"}]},
        r"has the role \['user'\]: give one",
        "messages[0]",
        None,
    ),
    ({"messages": [{"role": {}, "content": "a"}]}, "has the role {}: give", "messages[0]", None),
    ({"messages": ASK * 3000}, "These are 3,000 messages: send the last 2,048", "messages", None),
    ({"messages": []}, "messages must be a list with one", "messages", None),
    ({"messages": "hello"}, "messages must be a list", "messages", None),
    ({"messages": ["hello"]}, r"messages\[0\] is a text: give an object", "messages[0]", None),
    (
        {"messages": [*ASK, {"role": "pirate", "content": "a"}]},
        r"messages\[1\] has the role 'pirate': give one of system, user, assistant",
        "messages[1]",
        None,
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
        "content that is not text",
        "messages[0]",
        None,
    ),
    ({"messages": [{"role": "user"}]}, "no content that is text", "messages[0].content", None),
    (
        {"messages": [*ASK, {"role": "assistant", "content": "c"}]},
        "last message must be the user's",
        "messages",
        None,
    ),
    (
        {"messages": [{"role": "user", "content": "a" * 40}]},
        "has 40 tokens, and abc reads 40 at most",
        "messages",
        "context_length_exceeded",
    ),
    ({"model": 3}, "Give the model's name: model='abc'", "model", None),
]


@pytest.mark.parametrize(("changes", "said", "param", "code"), WRONG, ids=lambda v: str(v)[:40])
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_wrong_is_said(
    client: openai.OpenAI,
    changes: dict[str, Any],
    said: str,
    param: str,
    code: str | None,
    stream: bool,
) -> None:
    body = {"model": "abc", "messages": ASK, "stream": stream} | changes
    with pytest.raises(openai.BadRequestError, match=said) as caught:
        client.post("/chat/completions", body=body, cast_to=object)
    assert caught.value.status_code == 400
    assert (caught.value.param, caught.value.code) == (param, code)
    assert caught.value.type == "invalid_request_error"


@pytest.mark.parametrize("prompt", [[], [1, "a"], [300], [[]], 3.5, [True], {"a": 1}])
def test_a_prompt_is_text_or_tokens(client: openai.OpenAI, prompt: object) -> None:
    body = {"model": "abc", "prompt": prompt}
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/completions", body=body, cast_to=object)
    assert caught.value.param == "prompt"


def test_choices_have_seeds_of_their_own(tmp_path: Path) -> None:
    opened = open_model(save_alphabet_model(tmp_path))
    asked = {"model": "abc", "prompt": ["a", "b"], "n": 3, "seed": 5}
    seeds = [writing.settings.seed for writing in completion_order(opened, asked).writings]
    assert seeds == [5, 6, 7, 5, 6, 7]
    without = completion_order(opened, {"model": "abc", "prompt": "a", "n": 2, "user": "me"})
    assert [writing.settings.seed for writing in without.writings] == [None, None]


def test_another_model_is_not_there(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.completions.create(model="gpt-4", prompt="a")
    assert caught.value.code == "model_not_found"


def raw(address: str, body: bytes | None, **headers: str) -> tuple[int, dict[str, Any]]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(address, body, given)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "said"),
    [
        ("/completions", b"{", {}, 400, "The body is not JSON"),
        ("/completions", b"[1]", {}, 400, "The body is a list: send a JSON object"),
        ("/completions", b"{}", {"Content_Type": "text/plain"}, 400, "'text/plain': send JSON"),
        ("/completions", b" " * (1 << 21), {}, 413, "larger than 1,048,576 bytes"),
        ("/embeddings", b"{}", {}, 404, "There is no POST /v1/embeddings here"),
        ("/completions", None, {}, 405, "There is no GET /v1/completions here"),
        ("/models", None, {"Host": "evil.example"}, 403, "answers to localhost, not to"),
    ],
)
def test_every_refusal_has_the_apis_shape(
    server: tuple[str, subprocess.Popen],
    path: str,
    body: bytes | None,
    headers: dict[str, str],
    status: int,
    said: str,
) -> None:
    told = raw(server[0] + path, body, **({"Content_Type": "application/json"} | headers))
    assert told[0] == status
    assert set(told[1]["error"]) == {"message", "type", "param", "code"}
    assert said in told[1]["error"]["message"]


class Counted:
    """An endless model in a server of this process; counts the tokens that it computes."""

    def __init__(self, folder: Path) -> None:
        opened = open_model(save_alphabet_model(folder, context_length=4000, ends=False))
        self.tokens = 0
        opened.model.register_forward_pre_hook(self._count)
        sock = listening(0)
        self.address = f"http://127.0.0.1:{sock.getsockname()[1]}/v1"
        self.server = uvicorn.Server(
            uvicorn.Config(make_app(opened), log_level="error", lifespan="off")
        )
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [sock]})
        self.thread.start()

    def _count(self, *given: object) -> None:
        self.tokens += 1

    def still(self) -> bool:
        """Whether it computes nothing more, after a moment."""
        for _ in range(40):
            before = self.tokens
            time.sleep(0.25)
            if self.tokens == before:
                return True
        return False


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[Counted]:
    counted = Counted(tmp_path)
    yield counted
    counted.server.should_exit = True
    counted.server.force_exit = True
    counted.thread.join(timeout=10)
    assert not counted.thread.is_alive()


def test_a_client_that_leaves_a_stream_takes_its_request_with_it(endless: Counted) -> None:
    stream = client_of(endless.address).completions.create(model="abc", prompt="a", stream=True)
    for _ in range(5):
        next(iter(stream))
    stream.close()
    assert endless.still()
    assert 5 <= endless.tokens < 3900


def test_a_client_that_does_not_wait_for_its_answer_stops_it_too(endless: Counted) -> None:
    impatient = client_of(endless.address).with_options(timeout=1.0)
    with pytest.raises(openai.APITimeoutError):
        impatient.completions.create(model="abc", prompt="a", n=100)
    assert endless.still()
    assert 0 < endless.tokens < 300_000


def test_two_clients_take_turns(endless: Counted) -> None:
    def streamed(prompt: str) -> Iterator[Any]:
        return iter(
            client_of(endless.address).completions.create(
                model="abc", prompt=prompt, stream=True, max_tokens=80
            )
        )

    slow, quick = streamed("a"), streamed("m")
    assert next(slow).choices[0].text == "b"
    found = "".join(chunk.choices[0].text for chunk in quick)
    assert found == (ALPHABET * 4)[13 : 13 + 80]
    assert "".join(chunk.choices[0].text for chunk in slow) == (ALPHABET * 4)[2 : 1 + 80]


@pytest.mark.slow
def test_a_port_that_is_taken_and_a_model_that_is_not_there_are_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(cli.app, ["serve", "--port", port])
    assert result.exit_code == 2
    assert f"course: port {port} can't be had" in result.output
    missing = str(tmp_path / "none.safetensors")
    result = CliRunner().invoke(cli.app, ["serve", "--port", "0", "--model", missing])
    assert result.exit_code == 2
    assert f"course: There is no file {missing}" in result.output
