"""The line that `check` writes for whoever runs a notebook, signed so that no cell can write it.

`COURSE_REPORT` names the file. The runner calls `begin` with a key of its run before the first
cell; from then on every line ends in the line's HMAC under that key, which is kept in a closure
and in no variable of the environment. Somebody who is set on it can still take the key out of the
process's memory: `course check --strict` does not listen to the notebook's process at all.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

SPACE = " "
_signers: list[Callable[[str], str]] = []


def signature(key: str, line: str) -> str:
    """The HMAC-SHA256 of a line, in hexadecimal."""
    return hmac.new(bytes.fromhex(key), line.encode(), hashlib.sha256).hexdigest()


def begin(key: str) -> None:
    """Sign what is reported from now on with `key`, in hexadecimal; only the first call counts."""
    if not _signers:
        _signers.append(lambda line: SPACE + signature(key, line))


def report(line: Mapping[str, Any]) -> None:
    """Append a line of JSON to the file that `COURSE_REPORT` names; nothing where it names none."""
    path = os.environ.get("COURSE_REPORT")
    if not path:
        return
    # In ASCII: an answer may hold half a character, which UTF-8 cannot write.
    text = json.dumps(line)
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text + "".join(sign(text) for sign in _signers) + "\n")
    except OSError:  # a full disk is no fault of the answer; the runner says what was not heard
        return


def read(line: str, key: str) -> dict[str, Any] | None:
    """What a signed line says; None where it was not signed with `key`, or is no JSON object."""
    text, _, mark = line.rpartition(SPACE)
    if not hmac.compare_digest(mark.encode(), signature(key, text).encode()):
        return None
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


Seal = dict[tuple[str, str], tuple[FunctionType, CodeType]]


def seal(package: str) -> Seal:
    """Every function of a package's loaded modules as it is now, with its code."""
    return {
        (module, name): (value, value.__code__)
        for module, loaded in list(sys.modules.items())
        if loaded is not None and module.startswith(f"{package}.")
        for name, value in list(vars(loaded).items())
        if isinstance(value, FunctionType)
    }


def broken(sealed: Seal) -> str | None:
    """The first function that is another than when it was sealed, as `module.name`."""
    for (module, name), (function, code) in sealed.items():
        now = vars(sys.modules[module]).get(name) if module in sys.modules else None
        if now is not function or function.__code__ is not code:
            return f"{module}.{name}"
    return None
