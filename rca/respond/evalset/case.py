"""One case of an evaluation set: an input, what is right, and where it came from."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

Split = Literal["regression", "holdout", "train"]
Text = Annotated[str, Field(min_length=1, max_length=100_000)]
Name = Annotated[str, Field(max_length=300)]


class EvalCase(BaseModel):
    """An input and the answer that is right for it.

    Attributes
    ----------
    id : str
        Its name in the set; letters, digits, dots, dashes and underscores.
    input : str
        What the service is given; redacted before it enters a set.
    expected, rubric : str or None
        The right answer, or how a judge tells one. A case with neither is unlabelled: it may be
        kept, and counts in no score.
    slice : str
        What it is an example of.
    split : {"regression", "holdout", "train"}
        New cases are of ``regression``. ``holdout`` is frozen when the set is made; ``train`` holds
        what the model or its prompt has seen.
    source, trace_id : str
        The incident and the call that it came from.
    added_by, labelled_by : str
        People; a label needs one.
    redacted : bool
        Whether it went through a redaction.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    input: Text
    expected: Text | None = None
    rubric: Text | None = None
    slice: Name = ""
    split: Split = "regression"
    source: Name = ""
    trace_id: Name = ""
    added_at: AwareDatetime | None = None
    added_by: Name = ""
    labelled_by: Name = ""
    redacted: bool = False

    @model_validator(mode="after")
    def _labelled_by_someone(self) -> EvalCase:
        if not self.input.strip():
            raise ValueError("input is blank; a case needs one")
        if self.labelled and not self.labelled_by.strip():
            raise ValueError("a case with expected or rubric needs labelled_by: who says so")
        return self

    @property
    def labelled(self) -> bool:
        """Whether it says what is right, and so may count in a score."""
        return self.expected is not None or self.rubric is not None

    @property
    def key(self) -> str:
        """The SHA-256 of its folded input: equal inputs have equal keys."""
        return hashlib.sha256(folded(self.input).encode()).hexdigest()

    @property
    def digest(self) -> str:
        """The SHA-256 of all of it."""
        return hashlib.sha256(self.line().encode()).hexdigest()

    def line(self) -> str:
        """Return the case as one line of JSON, the same each time."""
        fields = json.loads(self.model_dump_json())
        return json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    def agrees(self, other: EvalCase) -> bool:
        """Tell whether two labelled cases hold the same answer and rubric to be right."""
        mine, theirs = (
            (folded(case.expected or ""), folded(case.rubric or "")) for case in (self, other)
        )
        return mine == theirs


def folded(text: str) -> str:
    """Return text as it is compared: compatibility forms, case and blanks folded (NFKC).

    >>> folded("  Ｗhat\\u00a0IS  it? ")
    'what is it?'
    """
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).casefold()).strip()
