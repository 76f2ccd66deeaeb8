"""`course chat`, typed into and piped through; the conversation behind it."""

from __future__ import annotations

import io
import signal
import sys
from pathlib import Path

import pytest
import torch
from helpers.alphabet_model import save_alphabet_model
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from utils.course import cli
from utils.course.chatting.chat import Wrapped, answer, obey
from utils.course.commands.chat import drawn_by
from utils.data.instructions import tasks as instructions
from utils.data.texts.conversation import Conversation
from utils.data.texts.models import TextModel, open_model
from utils.data.texts.writing import Settings
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.tokenizer.bpe import train_bpe
from utils.llm.tokenizer.streaming import TextDecoder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_alphabet_model(tmp_path_factory.mktemp("model"), context_length=80)


def piped(model: Path, lines: str, *words: str):
    return CliRunner().invoke(cli.app, ["chat", "--model", str(model), *words], input=lines)


def test_through_a_pipe_only_answers_come_out(model: Path) -> None:
    result = piped(model, "uv\n\nx\n", "--seed", "1")
    assert (result.stdout, result.stderr, result.exit_code) == ("wxyz\nyz\n", "", 0)


def test_what_can_not_be_answered_is_said_and_the_rest_goes_on(model: Path) -> None:
    result = piped(model, f"{'a' * 90}\nx\n/top_p 7\n")
    assert result.stdout == "yz\n"
    assert "course: The prompt has 90 tokens, and abc reads 80 at most" in result.stderr
    assert "course: top_p is 7.0; it must lie between 0 and 1" in result.stderr
    assert result.exit_code == 1


def test_wrong_words_end_it_with_one_line(model: Path) -> None:
    result = piped(model, "", "--temperature", "-1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "course: temperature is -1.0; give 0 (greedy) or more." in result.stderr
    missing = CliRunner().invoke(cli.app, ["chat", "--model", "./none"], input="")
    assert missing.exit_code == 2
    assert "course: There is no folder none" in missing.stderr


def test_a_rule_is_read_or_said_to_be_left_out(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "obeys.safetensors"
    obeys = GPT(GPTConfig(len(instructions.VOCABULARY), 30, 1, 1, 4))
    obeys.save(path, tokenizer="stories-instruct")
    ruled = piped(model, "x\n", "--system", "a" * 9)
    assert (ruled.stdout, ruled.stderr) == ("yz\n", "")
    said = piped(Path("stories"), "", "--system", "Mina")
    assert "course: stories reads no rules: --system changes nothing." in said.stderr
    wrong = piped(path, "", "--system", "Every story has a dragon.")
    assert wrong.exit_code == 2
    assert "course: in --system: The model doesn't know the word 'dragon'" in wrong.stderr


def test_a_conversation_remembers_and_forgets(model: Path) -> None:
    talk = Conversation(open_model(model), Settings(max_tokens=3), system="rule")
    list(talk.ask("ab"))
    pieces = talk.ask("m")
    next(pieces)
    pieces.close()
    assert [message["content"] for message in talk.messages] == ["rule", "ab", "cde", "m", "n"]
    assert talk.writing.n_prompt == len("rule\nab\ncde\nm")
    with pytest.raises(ValueError, match="has 119 tokens"):
        talk.ask("x" * 114)
    assert len(talk.messages) == 5
    talk.reset()
    assert [message["content"] for message in talk.messages] == ["rule"]


def test_answers_differ_and_repeat_with_a_seed() -> None:
    torch.manual_seed(0)
    encoding, model = train_bpe("", 257), GPT(GPTConfig(257, 40, 1, 1, 8)).eval()
    codec = (encoding.encode_ordinary, encoding.decode, (), "random")
    opened = TextModel(model, *codec, lambda m: [65], lambda prompt: TextDecoder(encoding))

    def answers() -> list[list[int]]:
        talk = Conversation(opened, Settings(max_tokens=12, seed=3))
        found = []
        for _ in range(2):
            list(talk.ask("A"))
            found.append(talk.writing.ids)
        return found

    first = answers()
    assert first == answers()
    assert first[0] != first[1]


def test_the_knobs(model: Path) -> None:
    talk = Conversation(open_model(model))
    assert obey(talk, "/temperature 0.5") == "temperature is 0.5 from now on"
    assert talk.settings.temperature == 0.5
    assert obey(talk, "/temperature") == "temperature is 0.5"
    assert obey(talk, "/top_p x") == "course: top_p takes a number, not 'x'."
    assert obey(talk, "/temperature -1").startswith("course: temperature is -1.0; give 0")
    assert talk.settings == Settings(temperature=0.5)
    assert "Ctrl-D ends the conversation" in obey(talk, "/help")
    assert "there is no '/warmth 2' here; there are /temperature" in obey(talk, "/warmth 2")


@given(st.lists(st.text("ab \n"), max_size=9), st.integers(4, 30))
def test_lines_are_broken_between_words(pieces: list[str], width: int) -> None:
    file = io.StringIO()
    lines = Wrapped(file, width)
    for piece in pieces:
        lines.push(piece)
    lines.flush()
    text, whole = file.getvalue(), "".join(pieces)
    assert "".join(text.split()) == "".join(whole.split())
    words = whole.split()
    if max(map(len, words), default=0) <= width:
        assert text.split() == words
        assert max(map(len, text.split("\n"))) <= width


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
@pytest.mark.slow
def test_typed_into_a_terminal(tmp_path: Path) -> None:
    import pexpect

    endless = save_alphabet_model(tmp_path, context_length=4000, ends=False)
    words = ["-m", "utils.course.cli", "chat", "--model", str(endless)]
    child = pexpect.spawn(
        sys.executable,
        words,
        encoding="utf-8",
        timeout=180,
        dimensions=(24, 60),
        # a suite that runs in the background hands on that Ctrl-C is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    child.expect_exact("abc: write to it. /help lists what else it takes.")
    child.expect_exact("you> ")
    child.sendline("x y a")
    child.expect_exact("bcdefghijklm")
    child.sendintr()
    child.expect_exact("(stopped)")
    child.expect_exact("you> ")
    child.sendline("/top_p 0.5")
    child.expect_exact("top_p is 0.5 from now on")
    child.expect_exact("you> ")
    child.sendintr()
    child.expect_exact("(Ctrl-D ends the conversation)")
    child.expect_exact("you> ")  # what is typed before the prompt is back is thrown away
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_a_chat_model_is_drawn_from_less_boldly_unless_told_otherwise() -> None:
    plain = drawn_by(None, None, framed=False, max_tokens=5, seed=1)
    assert (plain.temperature, plain.top_p, plain.max_tokens, plain.seed) == (1.0, 1.0, 5, 1)
    framed = drawn_by(None, None, framed=True)
    assert (framed.temperature, framed.top_p) == (0.2, 0.9)
    told = drawn_by(1.0, None, framed=True)
    assert (told.temperature, told.top_p) == (1.0, 0.9)


def test_in_a_terminal_an_answer_that_was_cut_off_is_said_to_be(model: Path) -> None:
    talk = Conversation(open_model(model), Settings(max_tokens=2))
    assert answer(talk, "uv", io.StringIO(), typed=True) == (
        "(cut at 2 tokens: --max-tokens lets it go on)"
    )
    assert answer(talk, "uv", io.StringIO(), typed=False) is None
    talk.set(max_tokens=None)
    assert answer(talk, "uv", io.StringIO(), typed=True) is None


def test_a_chat_model_that_never_ends_is_cut_off_and_a_writer_is_not() -> None:
    assert drawn_by(None, None, framed=True).max_tokens == 1024
    assert drawn_by(None, None, framed=True, max_tokens=5000).max_tokens == 5000
    assert drawn_by(None, None, framed=False).max_tokens is None
