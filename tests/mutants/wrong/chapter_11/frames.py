"""Wrong answers to the exercises of chapter 11: the template of a conversation."""

from __future__ import annotations

import json

from mutants.cases import course, wrong, wrongs

prompt = course("11.7")
OPEN = "<|im_start|>assistant\n"
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


def turns(messages, form="<|im_start|>{role}\n{content}<|im_end|>\n", opening=OPEN):
    if messages[0]["role"] != "system":
        messages = [{"role": "system", "content": SYSTEM}, *messages]
    return "".join(form.format(**message) for message in messages) + opening


wrongs(
    "11.7",
    "Where the last message is the assistant's",
    answered=lambda m: turns(m) if m[-1]["role"] != "assistant" else turns(m, opening=""),
)
wrongs("11.7", "The open turn is missing", no_opening=lambda m: turns(m, opening=""))
wrongs(
    "11.7",
    "The open turn ends with the word",
    no_newline=lambda m: turns(m, opening=OPEN[:-1]),
    stripped=lambda m: prompt(m).rstrip(),
)
wrongs("11.7", "The last turn is closed already", closed=lambda m: turns(m) + "<|im_end|>\n")
wrongs("11.7", "The open turn is the user's", user=lambda m: turns(m, opening="<|im_start|>user\n"))
wrongs("11.7", "The open turn has no <|im_start|>", bare=lambda m: turns(m, opening="assistant\n"))
wrongs("11.7", "The open turn lacks its role", no_role=lambda m: turns(m, opening="<|im_start|>"))
wrongs("11.7", "A space stands at the end", space=lambda m: turns(m) + " ")
wrongs("11.7", "A second newline", two_lines=lambda m: turns(m) + "\n")
wrongs(
    "11.7",
    "The default system message stands there although",
    always=lambda m: turns([{"role": "system", "content": SYSTEM}, *m]),
)
wrongs(
    "11.7",
    "Your default system message is another",
    own=lambda m: prompt(m).replace(SYSTEM, "You are a helpful assistant."),
)
wrongs(
    "11.7",
    "The default system message ends with a full stop",
    stop=lambda m: prompt(m).replace(SYSTEM, SYSTEM + "."),
)
wrongs(
    "11.7",
    "<|im_end|> has no newline",
    glued=lambda m: turns(m, "<|im_start|>{role}\n{content}<|im_end|>"),
)
wrongs(
    "11.7",
    "Role and text are apart by a space",
    spaced=lambda m: turns(m, "<|im_start|>{role} {content}<|im_end|>\n"),
)
wrongs(
    "11.7",
    "Role and text are apart by a colon",
    colon=lambda m: turns(m, "<|im_start|>{role}: {content}<|im_end|>\n"),
)
wrongs(
    "11.7",
    "A newline stands between a text",
    line=lambda m: turns(m, "<|im_start|>{role}\n{content}\n<|im_end|>\n"),
)
wrongs(
    "11.7",
    "A newline stands behind <|im_start|>",
    head=lambda m: turns(m, "<|im_start|>\n{role}\n{content}<|im_end|>\n"),
)
wrongs(
    "11.7",
    "The turns have no <|im_end|>",
    endless=lambda m: turns(m, "<|im_start|>{role}\n{content}\n"),
)
wrongs(
    "11.7",
    "The turns have no <|im_start|>",
    headless=lambda m: turns(m, "{role}\n{content}<|im_end|>\n"),
)
wrongs(
    "11.7",
    "The roles are missing",
    nameless=lambda m: turns(m, "<|im_start|>{content}<|im_end|>\n"),
)
wrongs(
    "11.7",
    "The turns are apart by an empty line",
    apart=lambda m: turns(m, "<|im_start|>{role}\n{content}<|im_end|>\n\n"),
)
wrongs(
    "11.7",
    "The texts were stripped",
    strip=lambda m: turns([{**x, "content": x["content"].strip()} for x in m]),
)
wrongs(
    "11.7",
    "Only the last message",
    last=lambda m: prompt([x for x in m[:1] if x["role"] == "system"] + m[-1:]),
)
wrongs(
    "11.7",
    "The assistant's own turns",
    users=lambda m: prompt([x for x in m if x["role"] != "assistant"]),
)
wrongs("11.7", "<|endoftext|> stands in front", bos=lambda m: "<|endoftext|>" + prompt(m))
wrongs(
    "11.7",
    "After ",
    llama=lambda m: turns(m, "<|start_header_id|>{role}<|end_header_id|>\n\n{content}<|eot_id|>"),
    brackets=lambda m: prompt(m).replace("|", ""),
    alpaca=lambda m: "\n\n".join(f"### {x['role'].title()}:\n{x['content']}" for x in m),
    hash=lambda m: prompt(m).replace("im_start", "im-start"),
)
wrongs("11.7", says=None, nothing=lambda m: None, as_bytes=lambda m: prompt(m).encode())
wrongs("11.7", says="any", as_json=lambda m: json.dumps(m), printed=lambda m: print(prompt(m)))


@wrong("11.7", says="The default system message is missing")
def no_default(messages):
    text = ""
    for message in messages:
        text += f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n"
    return text + "<|im_start|>assistant\n"


@wrong("11.7", says="You looked for a system message anywhere")
def anywhere(messages):
    if not any(message["role"] == "system" for message in messages):
        return prompt([{"role": "system", "content": SYSTEM}, *messages])
    return prompt([{"role": "system", "content": ""}, *messages]).replace(
        "<|im_start|>system\n<|im_end|>\n", "", 1
    )


@wrong("11.7", says="The default message was put into")
def inserted(messages):
    if messages[0]["role"] != "system":
        messages.insert(0, {"role": "system", "content": SYSTEM})
    return "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages) + OPEN


@wrong("11.7", says="The open turn is missing")
def no_default_and_no_opening(messages):
    return "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)


wrongs(
    "11.7",
    "Braces in a message were taken for fields",
    formatted=lambda messages: course("11.7")(
        [m | {"content": m["content"].format(role=m["role"])} for m in messages]
    ),
)
