"""What a client sends to bring `course serve` down, and what a browser may do with it."""

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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.alphabet_model import save_alphabet_model
from starlette.testclient import TestClient
from typer.testing import CliRunner

from utils.course import cli
from utils.course.serving import doors, server
from utils.course.serving.requests import MOST_CHOICES, completion_order
from utils.course.serving.server import make_app
from utils.data.texts.models import TextModel, open_model
from utils.data.texts.writing import Settings
from utils.llm.sampling.filters import temperature

HERE = "http://127.0.0.1:8000"
ORIGIN = "http://localhost:3000"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> TextModel:
    return open_model(save_alphabet_model(tmp_path_factory.mktemp("model")))


@pytest.fixture
def client(opened: TextModel) -> TestClient:
    return TestClient(make_app(opened), HERE)


def asked(client: TestClient, **body: Any) -> Any:
    return client.post("/v1/completions", json={"model": "abc", "prompt": "v", **body})


@pytest.mark.parametrize(("prompts", "n"), [(250_000, 128), (20_000, 20), (65, 2), (129, 1)])
def test_a_request_for_too_many_texts_is_refused_at_once(
    client: TestClient, prompts: int, n: int
) -> None:
    start = time.monotonic()
    answer = asked(client, prompt=[[0]] * prompts, n=n)
    assert answer.status_code == 400
    assert f"{prompts * n:,} texts: ask for {MOST_CHOICES}" in answer.json()["error"]["message"]
    assert time.monotonic() - start < 5


def test_too_much_waiting_work_is_refused(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MOST_WAITING", 3)
    assert asked(client, n=3).status_code == 200
    refused = asked(client, n=4)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert asked(client, n=3).status_code == 200  # what is done, waits no longer


def test_a_long_conversation_is_read_in_few_steps(opened: TextModel) -> None:
    encoded = []

    class Counting:
        n_vocab = 257

        def encode_ordinary(self, text: str) -> list[int]:
            encoded.append(len(text))
            return [*text.encode()]

    from utils.data.texts.models import _of_encoding

    counted = _of_encoding(opened.model, Counting(), "abc", ())
    encoded.clear()
    turns = [{"role": "user", "content": "xy"}] * 2000
    # 20 of the 40 tokens are left to the answer: six texts of two, with the breaks between them.
    assert counted.encode_chat(turns) == [*"\n".join(["xy"] * 7).encode()]
    assert len(encoded) < 20


@pytest.mark.parametrize("name", ["\ud800", "a\udfffb", "x" * 5000])
def test_strange_names_are_refused_in_the_apis_shape(client: TestClient, name: str) -> None:
    for body in ({name: 1}, {"model": name}, {"prompt": 3, "user": name}, {"stop": [name, 1]}):
        sent = json.dumps({"model": "abc", "prompt": "v", **body}).encode()
        answer = client.post(
            "/v1/completions", content=sent, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (400, 404)
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("heat", [1e-50, 1e-46, 1e-40, 5e-324, 0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_tiny_temperature_is_a_number(heat: float, dtype: torch.dtype) -> None:
    for row in ([0.0, 3.0, 3.0, 1.0], [-1.0, -2.0, -float("inf"), -1.0], [0.0, -5.0, -1.0, -2.0]):
        logits = torch.tensor(row, dtype=dtype)
        share = temperature(heat)(logits).float().softmax(-1)
        assert not share.isnan().any()
        assert share[logits < logits.max()].sum() == 0


def test_a_tiny_temperature_is_answered(client: TestClient) -> None:
    for heat in (1e-50, 1e-46):
        assert asked(client, temperature=heat).json()["choices"][0]["text"] == "wxyz"


def test_what_chapter_08_teaches_is_understood(client: TestClient, opened: TextModel) -> None:
    settings = {"top_k": 1, "min_p": 0.5, "repetition_penalty": 1.0, "temperature": 2}
    assert asked(client, **settings).json()["choices"][0]["text"] == "wxyz"
    body = {"model": "abc", "prompt": "a", "top_k": -1, "min_p": 0.1}
    for name in ("repetition_penalty", "repeat_penalty"):
        [writing] = completion_order(opened, {**body, name: 2}).writings
        chosen = writing.settings
        assert (chosen.top_k, chosen.min_p, chosen.repetition_penalty) == (0, 0.1, 2.0)


def test_settings_become_filters() -> None:
    logits, ids = torch.tensor([[4.0, 3.0, 2.0, -9.0]]), torch.tensor([[0]])

    def kept(**settings: Any) -> list[int]:
        return Settings(**settings).sampler().probabilities(logits, ids)[0].nonzero()[:, 0].tolist()

    assert kept() == [0, 1, 2, 3]
    assert kept(top_k=2) == [0, 1]
    assert kept(top_k=1, repetition_penalty=2.0) == [1]
    assert kept(min_p=0.2) == [0, 1]
    assert kept(top_p=0.5) == [0]
    for wrong in ({"top_k": -1}, {"min_p": 1.5}, {"repetition_penalty": 0}):
        with pytest.raises(ValueError, match="give"):
            Settings(**wrong)


def test_chances_are_told(client: TestClient) -> None:
    [choice] = asked(client, logprobs=2, max_tokens=2).json()["choices"]
    told = choice["logprobs"]
    assert (told["tokens"], told["text_offset"]) == (["w", "x"], [0, 1])
    assert all(-0.01 < value <= 0 for value in told["token_logprobs"])
    assert [len(top) for top in told["top_logprobs"]] == [2, 2]
    assert told["top_logprobs"][0]["w"] == told["token_logprobs"][0]
    body = {"model": "abc", "messages": [{"role": "user", "content": "x"}]}
    body |= {"logprobs": True, "top_logprobs": 1}
    answer = client.post("/v1/chat/completions", json=body).json()
    [first, second] = answer["choices"][0]["logprobs"]["content"]
    assert (first["token"], first["bytes"], second["token"]) == ("y", [ord("y")], "z")
    assert first["top_logprobs"][0]["token"] == "y"
    events = client.post("/v1/chat/completions", json=body | {"stream": True}).text.split("\n\n")
    chunks = [json.loads(event[6:]) for event in events if event.startswith("data: {")]
    streamed = [
        token["token"]
        for chunk in chunks
        for token in (chunk["choices"][0]["logprobs"] or {"content": []})["content"]
    ]
    assert streamed == ["y", "z"]


def test_only_named_origins_may_call_from_a_browser(opened: TextModel) -> None:
    preflight = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,authorization",
    }
    closed = TestClient(make_app(opened), HERE)
    answer = closed.options("/v1/chat/completions", headers=preflight)
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers
    named = TestClient(make_app(opened, [ORIGIN]), HERE)
    answer = named.options("/v1/chat/completions", headers=preflight)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert named.get("/v1/models", headers={"Origin": ORIGIN}).headers[
        "access-control-allow-origin"
    ]
    other = named.get("/v1/models", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize("origin", ["*", "localhost", "http://a b", "http://x/page", "http://*"])
def test_an_origin_is_one_site(origin: str) -> None:
    result = CliRunner().invoke(cli.app, ["serve", "--port", "0", "--allow-origin", origin])
    assert result.exit_code == 2
    assert "is no origin: give scheme, host and port" in result.output


def test_the_page_needs_nothing_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/", headers={"Accept": "text/html,*/*"})
    page = answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.findall(r"(?:https?:)?//\w", page)
    assert "innerHTML" not in page
    assert {"width=device-width", "prefers-color-scheme: dark", "isComposing"} <= {
        word for word in ("width=device-width", "prefers-color-scheme: dark", "isComposing")
        if word in page
    }  # fmt: skip
    fields = set(re.findall(r'<input name="(\w+)"', page))
    chosen = dict.fromkeys(fields, 1)
    assert asked(client, **chosen).status_code == 200
    assert "chat/completions" in client.get("/").text  # for those who don't ask for HTML


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[int, subprocess.Popen]]:
    path = save_alphabet_model(tmp_path, context_length=100_000, ends=False)
    process = subprocess.Popen(
        [sys.executable, "-m", "utils.course.cli", "serve", "--port", "0", "--model", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    yield int(re.search(r":(\d+)/v1", process.stdout.readline())[1]), process
    process.kill()
    process.communicate()


def opened_socket(port: int, body: bytes, length: int | None = None) -> socket.socket:
    head = (
        f"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length or len(body)}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(head.encode() + body)
    return connection


@pytest.mark.slow
def test_neither_hanging_up_nor_ctrl_c_leaves_a_traceback(
    running: tuple[int, subprocess.Popen],
) -> None:
    port, process = running
    for _ in range(20):  # clients that go in the midst of their request
        opened_socket(port, b'{"model": ', 1000).close()
    endless = json.dumps({"model": "abc", "prompt": "a", "stream": True}).encode()
    stream = opened_socket(port, endless)
    assert b"200 OK" in stream.recv(20)
    opened_socket(port, endless).close()
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=20)[0]
    rest = b"".join(iter(lambda: stream.recv(1 << 16), b""))
    assert process.returncode == 0
    assert said == ""
    assert b"The server was ended." in rest
    assert b"data: [DONE]" in rest


def test_a_request_that_never_arrives_is_given_up(
    opened: TextModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from utils.course.commands.serve import listening

    monkeypatch.setattr(doors, "HEADERS", 0.5)
    sock = listening(0)
    port = sock.getsockname()[1]
    sock.listen()
    serving = doors.Server(make_app(opened, arrival=0.5))
    thread = threading.Thread(target=serving.run, kwargs={"sockets": [sock]})
    thread.start()
    try:
        with opened_socket(port, b'{"model": ', 1000) as slow:  # only half of the body
            told = b"".join(iter(lambda: slow.recv(1 << 16), b""))
            assert b"408 Request Timeout" in told
            assert b"The body was not here after 0.5 seconds." in told
        with socket.create_connection(("127.0.0.1", port), timeout=30) as slow:
            slow.sendall(b"POST /v1/comp")  # only half of the head
            with pytest.raises(ConnectionResetError):
                raise ConnectionResetError if not slow.recv(100) else AssertionError
    finally:
        serving.should_exit = True
        thread.join(timeout=20)
    assert not thread.is_alive()
