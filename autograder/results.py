"""What grading gives back: frozen values, and the arithmetic of points on them. Points are computed
here and nowhere else.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from sys import float_info, intern
from types import NoneType
from typing import Any, TypeVar

OUTCOMES = (
    "passed",
    "failed",
    "raised",
    "missing",
    "timed_out",
    "out_of_memory",
    "output_limit",
    "died",
)
STATUSES = ("graded", "unreadable", "missing", "grader_error")


@dataclass(frozen=True, slots=True)
class Curve:
    """How a loss went in one call that a check made; None where it was not measured, or no number.

    name: of what is drawn; yours: the submission's losses, evenly spread over the run
    steps: how many losses there were; 0 where that is not for the student to know, and the losses
        are relative to the first
    reference: the losses of the right rule; floor: the smallest loss that is possible
    """

    name: str
    steps: int
    yours: tuple[float | None, ...]
    reference: tuple[float | None, ...] = ()
    floor: float | None = None

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Curve:
        """Back from JSON, where tuples are lists."""
        yours, reference = tuple(value["yours"]), tuple(value["reference"])
        return _of_its_kinds(cls(value["name"], value["steps"], yours, reference, value["floor"]))


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one function.

    title: the sentence that the check tests; message: what happened; hint: where to look (both
        empty when it passed); curve: how a loss went, where the check shows one
    """

    name: str
    function: str
    points: float
    outcome: str
    visibility: str
    message: str
    seconds: float
    title: str = ""
    hint: str = ""
    curve: Curve | None = None

    @property
    def earned(self) -> float:
        return self.points if self.outcome == "passed" else 0.0

    def shared(self) -> Check:
        """The same, of texts that others hold as well."""
        return _texts_shared(self)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "earned": self.earned}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Check:
        """Back from `to_json`; TypeError or KeyError where `value` is not such an object."""
        values = {key: item for key, item in value.items() if key != "earned"}
        curve = values["curve"]
        told = values | {"curve": None if curve is None else Curve.from_json(curve)}
        return _of_its_kinds(cls(**_interned(told)))


@dataclass(frozen=True, slots=True)
class Example:
    """The smallest input on which a function differs: the call, from where it started ("": nowhere
    of its own), what it gave, what is right; each as one line of text.
    """

    call: str
    start: str
    given: str
    right: str


KNOWN_AS = {  # what is said of a diagnosis, by its `how`
    "bank": "This behaves exactly like a known mistake",
    "edit": "On small inputs this behaves exactly like a right answer with this changed",
    "part": "This explains part of what is wrong",
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is known of a function that lost points. For one that nobody can name, `mistake`,
    `title` and `hint` are empty.

    how: "bank" (a known mistake), "edit" (a small change of a right answer, or two), "part" (such a
        change explains part of what is wrong), "" where nothing is named
    example: the smallest input on which it differs, where there is one
    group: equal for functions that behave alike and that nobody can name; "" for all others
    """

    function: str
    mistake: str
    title: str
    hint: str
    how: str = "bank"
    example: Example | None = None
    group: str = ""

    def shared(self) -> Diagnosis:
        """The same, of texts that others hold as well."""
        example = None if self.example is None else _texts_shared(self.example)
        return replace(_texts_shared(self), example=example)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Diagnosis:
        """Back from JSON; TypeError where `value` is no such object."""
        example = value.get("example")
        told = None if example is None else _of_its_kinds(Example(**_interned(example)))
        made = _of_its_kinds(cls(**_interned(value | {"example": told})))
        if made.title and not made.how:
            raise TypeError("a diagnosis that names something does not say how it is known")
        return made


@dataclass(frozen=True, slots=True)
class Result:
    """One graded submission, or why it could not be graded (`status`, and then `message`).

    by_clock: whether a limit on time decided anything: "computed" (the submission used that much),
        "slept" (it did nothing for that long), "crowded" (it waited for a processor that long), ""
    round: which draw of the hidden inputs it met
    replies: what it answered, for the store alone (grading/replies.py): None where what is kept of
        that stays, b"" where nothing may be; no part of its JSON
    """

    assignment: str
    submission: str
    student: str | None
    status: str
    max_score: float
    tests: tuple[Check, ...] = ()
    diagnosis: tuple[Diagnosis, ...] = ()
    message: str = ""
    isolation: str = "none"
    walls: tuple[str, ...] = ()
    by_clock: str = ""
    grader: str = ""
    digest: str = ""
    round: int = 0
    seconds: float = 0.0
    replies: bytes | None = field(default=None, repr=False, compare=False)

    @property
    def score(self) -> float:
        return round(sum(check.earned for check in self.tests), 6)

    def of(self, function: str) -> tuple[Check, ...]:
        """The checks of one function, in their order."""
        return tuple(check for check in self.tests if check.function == function)

    def earned(self, function: str) -> float:
        """The points of one function."""
        return round(sum(check.earned for check in self.of(function)), 6)

    def to_json(self) -> dict[str, Any]:
        """The object of the interface; see docs/instructor-guide.md."""
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.compare}
        values["tests"] = [check.to_json() for check in self.tests]
        values["diagnosis"] = [asdict(diagnosis) for diagnosis in self.diagnosis]
        values["walls"] = list(self.walls)
        first = ("assignment", "submission", "student", "status")
        return {name: values[name] for name in first} | {"score": self.score} | values

    def dumps(self) -> str:
        """One line of JSON. What UTF-8 cannot write, as in the name of a file, stands there as
        JSON's own escape.
        """
        return (
            json.dumps(self.to_json(), ensure_ascii=False, allow_nan=False)
            .encode(errors="backslashreplace")
            .decode()
        )

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Result:
        """Back from `to_json`; TypeError or KeyError where `value` is not such an object."""
        values = {item.name: value[item.name] for item in fields(cls) if item.compare}
        values["tests"] = tuple(map(Check.from_json, value["tests"]))
        values["diagnosis"] = tuple(map(Diagnosis.from_json, value["diagnosis"]))
        values["walls"] = tuple(value["walls"])
        return _of_its_kinds(cls(**_interned(values)))

    def shared(self) -> Result:
        """The same, which holds each text once that it has in common with other results: a class
        repeats the names, titles and hints of its checks, and those of its diagnoses. What comes
        from JSON is so already; what comes from another process is not.
        """
        checks = tuple(check.shared() for check in self.tests)
        told = tuple(diagnosis.shared() for diagnosis in self.diagnosis)
        return replace(_texts_shared(self), tests=checks, diagnosis=told)

    def filed_as(self, submission: str, student: str | None) -> Result:
        """The same grading, of the same bytes found elsewhere."""
        return replace(self, submission=submission, student=student)


Value = TypeVar("Value", Check, Curve, Diagnosis, Example, Result)
KINDS: dict[str, tuple[type, ...]] = {  # of fields, by their annotations: what JSON may have there
    "str": (str,),
    "str | None": (str, NoneType),
    "int": (int,),
    "float": (int, float),
    "float | None": (int, float, NoneType),
    "tuple[float | None, ...]": (int, float, NoneType),  # each of them
    "tuple[str, ...]": (str,),
}
LISTED = {"status": STATUSES, "outcome": OUTCOMES, "how": ("bank", "edit", "part", "")}


@cache
def _kinds(values: Any) -> list[tuple[str, tuple[type, ...]]]:
    """The fields of a class of values that are texts and numbers, with what they may be."""
    return [(one.name, KINDS[str(one.type)]) for one in fields(values) if one.type in KINDS]


def _of_its_kinds(value: Value) -> Value:
    """The same; TypeError where a field is not of its kind. Files of results lie where hands reach
    them, and what is none is found where it is read, and not by whoever shows it.
    """
    kind: Any = type(value)
    for name, kinds in _kinds(kind):
        held = getattr(value, name)
        for one in held if isinstance(held, tuple) else (held,):
            wrong = not isinstance(one, kinds) or isinstance(one, bool)
            if wrong or (isinstance(one, int | float) and not abs(one) <= float_info.max):
                raise TypeError(f"{type(value).__name__}.{name} cannot be {one!r:.40}")
    for name, listed in LISTED.items():
        if getattr(value, name, listed[0]) not in listed:
            raise TypeError(f"{type(value).__name__}.{name} is none of {', '.join(listed)}")
    return value


def _texts_shared(value: Value) -> Value:
    """A value whose texts are those that equal ones have already."""
    return replace(
        value, **_interned({one.name: getattr(value, one.name) for one in fields(value)})
    )


def _interned(values: dict[str, Any]) -> dict[str, Any]:
    """The same, with texts that equal ones share."""
    return {name: intern(one) if type(one) is str else one for name, one in values.items()}
