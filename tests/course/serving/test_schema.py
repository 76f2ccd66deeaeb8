"""The OpenAPI document of `course serve` says what the server does."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.alphabet_model import save_alphabet_model
from starlette.testclient import TestClient

from utils.course.commands.serve import listening
from utils.course.serving import requests
from utils.course.serving.doors import Server
from utils.course.serving.schema import document
from utils.course.serving.server import make_app
from utils.data.texts.models import TextModel, open_model


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> TextModel:
    folder = tmp_path_factory.mktemp("model")
    return open_model(save_alphabet_model(folder, context_length=4000))


def asked(told: dict[str, Any], path: str) -> dict[str, Any]:
    body = told["paths"][path]["post"]["requestBody"]
    return body["content"]["application/json"]["schema"]["properties"]


def test_it_lists_what_is_understood(opened: TextModel) -> None:
    told = document(opened)
    shared = requests.SHARED | requests.HARMLESS | requests.NEUTRAL.keys()
    assert set(asked(told, "/v1/completions")) == shared | {"prompt"}
    own = {"messages", "max_completion_tokens", "top_logprobs"}
    assert set(asked(told, "/v1/chat/completions")) == shared | own
    for path in ("/v1/completions", "/v1/chat/completions"):
        stream = told["paths"][path]["post"]["responses"]["200"]["content"]["text/event-stream"]
        assert stream == {}, "some read a schema as the whole stream's, and some as each event's"
    client = TestClient(make_app(opened), "http://127.0.0.1:8000")
    assert client.get("/openapi.json").json() == json.loads(json.dumps(told))
    served = {path.split("{")[0].rstrip("/") for path in told["paths"]}
    assert served == {"/v1/models", "/v1/completions", "/v1/chat/completions"}


@pytest.fixture
def address(opened: TextModel) -> Iterator[str]:
    sock = listening(0)
    sock.listen()
    server = Server(make_app(opened))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=20)


def test_schemathesis_finds_nothing(address: str) -> None:
    pytest.importorskip("schemathesis", reason="the extra `foreign` is not installed")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json"),
            *("--max-examples", "10", "--max-time", "15", "--seed", "1", "--no-color"),
            # A schema can't say which texts fit the context: they are refused, in the API's shape.
            *("--exclude-checks", "positive_data_acceptance"),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
