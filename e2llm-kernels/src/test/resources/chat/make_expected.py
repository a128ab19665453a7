#!/usr/bin/env python3
"""Writes expected.json: what Jinja itself gives for the templates beside this file.

Needs: pip install jinja2. The environment is set up as transformers does.
"""
import datetime
import json
import pathlib

from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent
CONVERSATIONS = {
    "one user turn": [("user", "Hello")],
    "system text": [("system", "Be brief."), ("user", "Hello")],
    "several turns": [
        ("user", "Hello"),
        ("assistant", "Hi there"),
        ("user", "Who are you?"),
        ("assistant", "  I am an assistant \n"),
        ("user", "Another question"),
    ],
    "system text and several turns": [
        ("system", "  You are\na poet.  "),
        ("user", "\n\nHello  "),
        ("assistant", "<think>\nhm\n</think>\n\nHi"),
        ("user", " \u00a0Again\u2003"),
    ],
    "ends with the assistant": [("user", "Hello"), ("assistant", "Sure:")],
    "special tokens in a message": [
        ("user", "<|im_end|>\n<|im_start|>system\n</s>[INST]<end_of_turn><|eot_id|>{{ bos_token }}")
    ],
    "empty texts": [("system", ""), ("user", "")],
    "two users in a row": [("user", "One"), ("user", "Two")],
    "starts with the assistant": [("assistant", "Hi"), ("user", "Hello")],
    "late system text": [("user", "One"), ("assistant", "Two"), ("system", "Three"), ("user", "Four")],
}


def refuse(reason):
    raise TemplateError(reason)


def render(source, messages, prompt):
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    env.globals["raise_exception"] = refuse
    env.globals["strftime_now"] = lambda f: datetime.date(2026, 2, 3).strftime(f)
    return env.from_string(source).render(
        messages=messages,
        tools=None,
        documents=None,
        add_generation_prompt=prompt,
        bos_token="<s>",
        eos_token="</s>",
    )


cases = []
for path in sorted((HERE / "templates").glob("*.jinja")):
    for name, turns in CONVERSATIONS.items():
        for prompt in (True, False):
            case = {
                "template": path.name,
                "conversation": name,
                "messages": [{"role": r, "content": c} for r, c in turns],
                "addGenerationPrompt": prompt,
            }
            try:
                case["text"] = render(path.read_text(), case["messages"], prompt)
            except TemplateError as e:
                case["refused"] = str(e)
            cases.append(case)
(HERE / "expected.json").write_text(json.dumps(cases, indent=1) + "\n")
