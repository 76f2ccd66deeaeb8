"""Exercise 11.7: a conversation in the frame that a chat model was trained with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any

from utils.course.checking.exercise import Exercise

Message = Mapping[str, str]
START, STOP = "<|im_start|>", "<|im_end|>"
DEFAULT = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


def chat_prompt(messages: Sequence[Message]) -> str:
    """The conversation as SmolLM2 reads it, up to where its answer begins."""
    return _prompt(messages)


def _prompt(
    messages: Sequence[Message],
    *,
    lacks: Callable[[Sequence[Message]], bool] = lambda said: said[0]["role"] != "system",
    default: str = DEFAULT,
    default_role: str = "system",
    behind: bool = False,
    turn: Callable[[str, str], str] = lambda role, text: f"{START}{role}\n{text}{STOP}\n",
    front: str = "",
    opening: str = f"{START}assistant\n",
) -> str:
    """The frame with a bend where a wrong turn wants one."""
    said = [dict(message) for message in messages]
    if lacks(said):
        said.insert(1 if behind else 0, {"role": default_role, "content": default})
    turns = "".join(turn(message["role"], message["content"]) for message in said)
    return front + turns + opening


_SLIPS: dict[str, dict[str, Any]] = {
    "The open turn is missing: without <|im_start|>assistant and a newline at the end, the model "
    "would write the head of a turn, and perhaps the user's.": {"opening": ""},
    "The open turn ends with the word assistant: the newline behind it is missing.": {
        "opening": f"{START}assistant"
    },
    "The last turn is closed already: <|im_end|> is for the model to write.": {
        "opening": f"{START}assistant\n{STOP}\n"
    },
    "The open turn is the user's: the assistant answers.": {"opening": f"{START}user\n"},
    "A space stands at the end of the open turn: tokens begin with their space, so the model would "
    "have to go on without one.": {"opening": f"{START}assistant\n "},
    "The open turn has no <|im_start|>.": {"opening": "assistant\n"},
    "The open turn lacks its role: it is the assistant's.": {"opening": START},
    "The default system message is missing: where no system message comes first, SmolLM2's own "
    "stands there.": {"lacks": lambda said: False},
    "The default system message stands there although the conversation has its own.": {
        "lacks": lambda said: True
    },
    "You looked for a system message anywhere: the frame looks at the first message alone.": {
        "lacks": lambda said: all(message["role"] != "system" for message in said)
    },
    "Your default system message is another: copy the model's own, letter by letter.": {
        "default": "You are a helpful assistant."
    },
    "The default system message ends with a full stop in yours: the model's own has none.": {
        "default": DEFAULT + "."
    },
    "Yours says nothing in the default system message.": {"default": ""},
    "The default message goes by another role than system.": {"default_role": "user"},
    "The default system message stands behind the first message: it comes in front.": {
        "behind": True
    },
    "<|im_end|> has no newline behind it.": {
        "turn": lambda role, text: f"{START}{role}\n{text}{STOP}"
    },
    "Role and text are apart by a space: it is a newline.": {
        "turn": lambda role, text: f"{START}{role} {text}{STOP}\n"
    },
    "Nothing stands between role and text: it is a newline.": {
        "turn": lambda role, text: f"{START}{role}{text}{STOP}\n"
    },
    "Role and text are apart by a colon: it is a newline.": {
        "turn": lambda role, text: f"{START}{role}: {text}{STOP}\n"
    },
    "A newline stands between a text and its <|im_end|>: it follows at once.": {
        "turn": lambda role, text: f"{START}{role}\n{text}\n{STOP}\n"
    },
    "A newline stands behind <|im_start|>: the role follows at once.": {
        "turn": lambda role, text: f"{START}\n{role}\n{text}{STOP}\n"
    },
    "The turns have no <|im_end|>: it tells where one ends, and the model where to stop.": {
        "turn": lambda role, text: f"{START}{role}\n{text}\n"
    },
    "The turns have no <|im_start|>.": {"turn": lambda role, text: f"{role}\n{text}{STOP}\n"},
    "<|im_start|> and <|im_end|> have changed places.": {
        "turn": lambda role, text: f"{STOP}{role}\n{text}{START}\n"
    },
    "The roles are missing: each turn says whose it is.": {
        "turn": lambda role, text: f"{START}{text}{STOP}\n"
    },
    "Every turn is the user's: a turn goes by its own role.": {
        "turn": lambda role, text: f"{START}user\n{text}{STOP}\n"
    },
    "The roles have capital letters: they stand there as they are given.": {
        "turn": lambda role, text: f"{START}{role.capitalize()}\n{text}{STOP}\n"
    },
    "The texts were stripped: what a message holds goes in as it is.": {
        "turn": lambda role, text: f"{START}{role}\n{text.strip()}{STOP}\n"
    },
    "The turns are apart by an empty line: one newline behind <|im_end|>.": {
        "turn": lambda role, text: f"{START}{role}\n{text}{STOP}\n\n"
    },
    "<|endoftext|> stands in front: this frame begins with <|im_start|>.": {
        "front": "<|endoftext|>"
    },
}


def _last_alone(messages: Sequence[Message]) -> str:
    return _prompt(
        [message for message in messages[:1] if message["role"] == "system"] + [messages[-1]]
    )


def _default_at_the_end(messages: Sequence[Message]) -> str:
    lacking = [] if messages[0]["role"] == "system" else [{"role": "system", "content": DEFAULT}]
    return _prompt([*messages, *lacking], lacks=lambda said: False)


def _backwards(messages: Sequence[Message]) -> str:
    return _prompt(messages[::-1])


def _users_alone(messages: Sequence[Message]) -> str:
    return _prompt([message for message in messages if message["role"] != "assistant"])


def _nothing_behind_the_assistant(messages: Sequence[Message]) -> str:
    opening = "" if messages[-1]["role"] == "assistant" else f"{START}assistant\n"
    return _prompt(messages, opening=opening)


def _as_a_list(messages: Sequence[Message]) -> list[str]:
    return _prompt(messages).splitlines(keepends=True)


def _default_put_in(messages: list[Message]) -> str:
    if messages[0]["role"] != "system":
        messages.insert(0, {"role": "system", "content": DEFAULT})
    return _prompt(messages)


def _by_adding(messages: Sequence[Message]) -> str:
    text = ""
    if messages[0]["role"] != "system":
        text += START + "system\n" + DEFAULT + STOP + "\n"
    for message in messages:
        text += START + message["role"] + "\n" + message["content"] + STOP + "\n"
    return text + START + "assistant\n"


def _by_joining(messages: Sequence[Message]) -> str:
    said = [(message["role"], message["content"]) for message in messages]
    if said[0][0] != "system":
        said = [("system", DEFAULT), *said]
    pieces = [f"{role}\n{content}{STOP}\n" for role, content in said]
    return START + START.join([*pieces, "assistant\n"])


def _by_jinja(messages: Sequence[Message]) -> str:
    """The template of the model's own file."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    source = (
        "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
        "{{ '<|im_start|>system\n" + DEFAULT + "<|im_end|>\n' }}{% endif %}"
        "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
        "{% endfor %}{{ '<|im_start|>assistant\n' }}"
    )
    world = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    return world.from_string(source).render(messages=[dict(message) for message in messages])


def _explain(args: tuple[Any, ...], expected: str, got: Any) -> str | None:
    """Where the text departs first, and what stands there."""
    if not isinstance(got, str):
        return None
    if got == expected + "\n":
        return "A second newline stands behind the open turn: one is enough."
    place = next(
        (i for i, (e, g) in enumerate(zip(expected, got, strict=False)) if e != g),
        min(len(expected), len(got)),
    )
    before, wanted, came = expected[:place][-24:], expected[place:][:24], got[place:][:24]
    return f"After {before!r} comes {wanted or 'nothing'!r}, and yours has {came or 'nothing'!r}."


def _talk(*turns: str) -> tuple[list[Message]]:
    names = {"S": "system", "U": "user", "A": "assistant"}
    return ([{"role": names[turn[0]], "content": turn[2:]} for turn in turns],)


TEMPLATE = Exercise(
    id="11.7",
    title="The template",
    minutes=5,
    stars=1,
    reference=chat_prompt,
    probes=[
        _talk("U What is a token?"),
        _talk("S Be brief.", "U Who are you?"),
        _talk("U Hello", "A Hello! How can I help?", "U Tell me a joke."),
        _talk("S You speak like a pirate.", "U Hi", "A Ahoy!", "U  Two lines:\none, two\n"),
        _talk("U Hi", "S From here on, rhyme.", "U Sing."),
        _talk("U "),
        _talk("U Hi", "A Hello"),
        _talk("U Does f'{x}' print {role}, and '100 % of it'?"),
    ],
    mistakes={said: partial(_prompt, **slip) for said, slip in _SLIPS.items()}
    | {
        "Only the last message is there: the model remembers nothing but what it reads.": (
            _last_alone
        ),
        "Only the last message is there, behind the default one: the whole conversation, and its "
        "own system message.": lambda messages: _prompt(
            [{"role": "system", "content": DEFAULT}, messages[-1]]
        ),
        "The default system message stands behind all others: it comes in front.": (
            _default_at_the_end
        ),
        "The messages come last to first: keep their order.": _backwards,
        "The assistant's own turns were left out: it reads the whole conversation.": _users_alone,
        "Where the last message is the assistant's, yours opens no turn: the text ends with the "
        "open turn always.": _nothing_behind_the_assistant,
        "The lines came back as a list: one text.": _as_a_list,
        "Braces in a message were taken for fields to fill in: what a message holds goes in as it "
        "is, so `format` nothing that it stands in.": partial(
            _prompt, turn=lambda role, text: f"{START}{{}}\n{text}{STOP}\n".format(role)
        ),
        "A % in a message was taken for a place to fill in: what a message holds goes in as it "
        "is.": partial(_prompt, turn=lambda role, text: f"{START}%s\n{text}{STOP}\n" % role),
        "The default message was put into `messages` itself: leave the argument as it is.": (
            _default_put_in
        ),
    },
    together={
        (one, other): partial(_prompt, **_SLIPS[one], **_SLIPS[other])
        for one, other in combinations(_SLIPS, 2)
        if not _SLIPS[one].keys() & _SLIPS[other].keys()
    },
    alternatives={"piece by piece": _by_adding, "joined": _by_joining, "jinja2": _by_jinja},
    explain=_explain,
)
