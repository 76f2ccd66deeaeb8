"""A conversation is framed as transformers frames it, from the same template."""

from __future__ import annotations

import pytest
from transformers.utils.chat_template_utils import render_jinja_template

from utils.llm.tokenizer.frame import Frame

USER, ANSWER = (
    {"role": "user", "content": "안녕 {{ 1 }} <b>"},
    {"role": "assistant", "content": "Hi"},
)
TALKS = {
    "one": [USER],
    "ruled": [{"role": "system", "content": "Be brief.\n"}, USER],
    "long": [USER, ANSWER, {"role": "user", "content": " and 2 + 2?"}],
    "ruled and long": [{"role": "system", "content": ""}, USER, ANSWER, USER],
}
TEMPLATES = {
    "chatml": (
        "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
        "{{ '<|im_start|>system\nYou are SmolLM<|im_end|>\n' }}{% endif %}"
        "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
    "namespace": """{{- bos_token }}
{%- set ns = namespace(rule='none') %}
{%- for m in messages if m.role == 'system' %}
    {%- set ns.rule = m.content | trim %}
{%- endfor %}
[{{ ns.rule }}]
  {% for m in messages %}
    {{ m.role }}: {{ m.content }}{{ eos_token }}
  {% endfor %}
""",
    "json, tools, time": (
        "{{ messages | tojson }}{{ messages | tojson(indent=2) }}"
        "{% if tools is not none %}tools{% endif %}{% if documents %}documents{% endif %}"
        "{{ strftime_now('%Y') }}{{ pad_token is defined }}"
    ),
    "loop controls": (
        "{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}"
        "{{ m.content }}{% if loop.index > 2 %}{% break %}{% endif %}{% endfor %}"
    ),
    "generation": (
        "{% for m in messages %}{% generation %}{{ m.content }}|\n{% endgeneration %}{% endfor %}"
    ),
    "last, set, macro": (
        "{% macro put(m) %}<{{ m.role }}>{{ m['content'].strip() }}{% endmacro %}"
        "{% set last = messages[-1] %}{{ put(last) }}{{ messages[:-1] | length }}"
    ),
}


@pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS)
@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_as_transformers(template: str, talk: list[dict[str, str]]) -> None:
    marks = {"bos_token": "<s>", "eos_token": "</s>"}
    theirs, _ = render_jinja_template(
        conversations=[talk], chat_template=template, add_generation_prompt=True, **marks
    )
    assert Frame(template, "<s>", "</s>").render(talk) == theirs[0]


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('only one rule') }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ messages.append(1) }}",
        "{{ strftime_now.__globals__['sys'] }}",
        "{% for x in range(10**9) %}{% endfor %}",
        "{% include 'secret' %}",
        "{% generation %}",
    ],
)
def test_what_refuses_or_attacks_is_one_error(template: str) -> None:
    with pytest.raises(ValueError, match="its frame refuses this conversation"):
        Frame(template).render([USER])
