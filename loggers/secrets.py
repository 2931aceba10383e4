"""Hides what looks like a password or a token in what a run records of its process."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

MASK = "***"
_NAME = re.compile(
    r"password|passwd|passphrase|secret|credential|(?:api|access|private|auth|account|signing)[-_.]?key"
    r"|(?:^|[-_.])(?:pass|pwd|token|auth|bearer)(?:$|[-_.])"
    r"|(?-i:[a-z]Token$)|[-_.](?:key|pat)$",
    re.IGNORECASE,
)
_KNOWN_TOKEN = re.compile(
    r"\b(?:sk-|hf_|gh[opsu]_|github_pat_|glpat-|xox[abprs]-|AKIA|AIza|npm_|pypi-|eyJ)[\w.-]{10,}"
    r"|(?<=Bearer )[^\s\"']+|(?<=Basic )[^\s\"']+"
)
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^\s/:@]*):[^\s/@]*@")


def masked_arguments(arguments: Sequence[str]) -> list[str]:
    """A command line; the value after ``--token``, in ``--token=…`` or in ``token=…`` is hidden."""
    masked: list[str] = []
    value_follows = False
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        is_option = name.startswith("-")
        if value_follows and not is_option:
            masked.append(MASK)
        elif equals and _NAME.search(name.lstrip("-")):
            masked.append(f"{name}={MASK}")
        else:
            masked.append(_masked_text(argument))
        value_follows = is_option and not equals and bool(_NAME.search(name.lstrip("-")))
    return masked


def masked_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Environment variables by name; the values of those named like a secret are hidden."""
    return {
        name: MASK if _NAME.search(name) else _masked_text(value) for name, value in sorted(variables.items())
    }


def _masked_text(text: str) -> str:
    return _PASSWORD_IN_URL.sub(rf"\1:{MASK}@", _KNOWN_TOKEN.sub(MASK, text))
