"""What a small change of a right answer does, in sentences for students.

The templates are here; an assignment's own words for its parts are in its assignment.toml:

    [diagnosis.words]
    "V[c]" = "V's row"
    "U[r] += lr * e * V[c]" = "U's step"

A sentence is made of templates and of these words alone. A part without a word is told by the one
of what it stands in; so no sentence can show a line of a solution.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from autograder.grading.change import Change
from autograder.grading.templates import MORE

PLACE, ABOUT, OTHER = "{place}", "{about}", "{other}"
SOMEWHERE = "what {function} computes"
# rank, template; the lower the rank, the likelier it is what a student did
TEMPLATES: dict[str, tuple[float, str]] = {
    "old_value": (1, "{place} uses {about} as it was before its own step"),
    "older_value": (1, "{place} uses {about} as it was one step before"),
    "computed_anew": (1, "{about} is computed anew before {place}"),
    "wrong_way": (1, "{place} goes the wrong way"),
    "turned_round": (1, "{place} has a difference turned round, and so the opposite sign"),
    "loop_short": (1, "{place} stops one turn too early"),
    "loop_long": (1, "{place} makes one turn too many"),
    "loop_late": (1.5, "{place} leaves out its first turn"),
    "count": (1, "{place} goes by {other} in place of {about}"),
    "mean_for_sum": (1, "{place} takes a mean in place of a sum"),
    "sum_for_mean": (1, "{place} takes a sum in place of a mean"),
    "returns_inside": (1, "the function returns too early, inside {place}"),
    "starts_normal": (1, "{place} is drawn from a normal distribution"),
    "starts_zeros": (1, "{place} is zeros"),
    "starts_ones": (1, "{place} is ones"),
    "starts_halves": (1, "{place} is one and the same number everywhere"),
    "starts_small": (1, "{place} is made smaller than it is drawn"),
    "starts_tiny": (1, "{place} is made smaller than it is drawn"),
    "starts_centred": (1, "{place} is shifted around zero"),
    "starts_both_signs": (1, "{place} is stretched to numbers of both signs"),
    "starts_upside": (2, "{place} is not used as it is drawn"),
    "starts_small_normal": (2, "{place} is drawn from a normal distribution and made smaller"),
    "seeded": (1, "the function sets the seed itself"),
    "returned_in_other_order": (1, "the results are returned in another order"),
    "returned_transposed": (1, "{about} is returned transposed"),
    "product_returned": (1, "the product is returned in place of its factors"),
    "not_returned": (1, "{about} is not returned"),
    "nothing_returned": (1, "nothing is returned"),
    "condition_opposite": (1, "{place} asks for the opposite"),
    "condition_positive": (1, "{place} counts only what is above zero"),
    "condition_exactly_one": (1, "{place} counts only what is exactly one"),
    "condition_always": (1, "{place} makes no difference"),
    "condition_never": (1.5, "{place} is left out, or never answered with yes"),
    "condition_at_least": (2, "{place} counts zero as well"),
    "other_error": (1, "another kind of error is raised than the one asked for"),
    "returns_nothing": (1, "nothing is raised where an error is asked for"),
    "absolute": (1, "{place} takes absolute values in place of squares"),
    "not_squared": (1, "{place} leaves out the square"),
    "rooted": (1, "{place} takes a square root that nobody asks for"),
    "a_plain_number": (1, "{place} is a plain number, which gradients do not pass"),
    "twice": (2, "{place} is twice as large as it should be"),
    "half": (2, "{place} is half as large as it should be"),
    "three_times": (3, "{place} is three times as large as it should be"),
    "left_out": (2, "{place} leaves out {about}"),
    "added": (2, "{place} adds what should be subtracted"),
    "subtracted": (2, "{place} subtracts what should be added"),
    "as_matrices": (
        2,
        "{place} multiplies as matrices what should be multiplied element by element",
    ),
    "by_elements": (1, "{place} multiplies element by element what should be a matrix product"),
    "other_side": (1, "{place} has a matrix product the other way round"),
    "transposed": (2, "{place} takes the transpose of {about}"),
    "not_transposed": (1, "{place} leaves out a transpose"),
    "divided": (3, "{place} divides where it should multiply"),
    "added_in": (3, "{place} adds where it should multiply"),
    "not_divided": (2, "{place} leaves out a division"),
    "times": (3, "{place} multiplies where it should divide"),
    "other_power": (2, "{place} has another power"),
    "divided_by": (2, "{place} is divided by {other}"),
    "times_count": (3, "{place} is multiplied by {other}"),
    "set_not_changed": (1, "{place} replaces what it should only change"),
    "clamped": (2, "{place} is followed by a cut at zero"),
    "limited": (3, "{place} is followed by a cut to between -1 and 1"),
    "rounded": (3, "{place} is followed by a rounding"),
    "decayed": (2, "{place} is followed by a little decay"),
    "of_absolute": (3, "{place} loses its sign"),
    "dropped": (2, "{place} is left out"),
    "unwrapped": (3, "{place} is done without its condition"),
    "order": (2, "the order is another one: {place} comes too early"),
    "after_the_loop": (2, "{place} is done once, after the loop, and not in every turn"),
    "before_the_loop": (2, "{place} is done once, before the loop, and not in every turn"),
    "first_turn_only": (2, "{place} is done in the first turn only"),
    "not_in_the_first_turn": (3, "{place} is left out in the first turn"),
    "every_tenth": (2, "{place} is done in every tenth turn only"),
    "ends_after_one": (2, "{place} ends after its first turn"),
    "loop_backwards": (2, "{place} runs backwards"),
    "loop_twice": (3, "{place} makes twice as many turns"),
    "loop_half": (3, "{place} makes half as many turns"),
    "index": (2, "{place} uses {other} where {about} belongs"),
    "indices_swapped": (1, "{place} has row and column swapped"),
    "whole": (3, "{place} uses a whole matrix where one part of it belongs"),
    "name": (3, "{place} uses {other} where {about} belongs"),
    "one_less": (2, "{place} counts one too few"),
    "one_more": (2, "{place} counts one too many"),
    "fixed": (2, "{place} has a fixed number in place of {about}"),
    "detached": (2, "{place} keeps gradients from passing through {about}"),
    "abs": (3, "{place} takes the absolute value of {about}"),
    "twice_the": (2, "{about} counts twice"),
    "half_the": (2, "{about} counts half"),
    "tenth_the": (3, "{about} counts a tenth"),
    "capped": (3, "{about} is kept below a fixed number"),
    "last_ones": (1, "{place} keeps the last ones in place of the first"),
    "one_alone": (2, "{place} keeps one alone"),
    "one_more_kept": (1, "{place} keeps one too many"),
    "one_less_kept": (1, "{place} keeps one too few"),
    "columns": (2, "{place} takes columns where rows belong"),
    "rows": (2, "{place} takes rows where columns belong"),
    "shape_turned": (1, "{place} has rows and columns exchanged"),
    "without": (2, "{place} lacks a setting"),
    "switched": (2, "{place} has a setting the other way round"),
    "without_that": (2, "{place} lacks {about}"),
    "switched_that": (2, "{place} has {about} the other way round"),
    "unfinished_that": (2, "{place} leaves out {about}"),
    "unfinished": (2, "{place} lacks its last step"),
    "no_diagonal": (2, "{place} takes a vector where a diagonal matrix belongs"),
    "arguments_swapped": (2, "{place} has its arguments exchanged"),
    "other_number": (3, "{place} has another number in it"),
    "sign_lost": (2, "{place} loses a sign"),
    "returned_as_list": (1, "{about} is returned as plain numbers, in a list or alone"),
    "returned_squeezed": (2, "{about} is returned without its dimensions of length one"),
    "returned_rounded": (2, "{about} is returned rounded"),
    "returned_flat": (2, "{about} is returned flattened"),
    "returned_detached": (2, "{about} is returned cut off from its gradients"),
    "returned_whole": (2, "{about} is returned as whole numbers"),
    "returned_last": (2, "of {about}, only the last part is returned"),
    "returned_without_first": (2, "{about} is returned without its first part"),
    "returned_without_last": (2, "{about} is returned without its last part"),
    "returned_as_tensor": (2, "{about} is returned as a tensor"),
    "returned_sum": (2, "the sum of {about} is returned"),
    "returned_together": (3, "the results are returned as a list"),
    "prepared_abs": (2, "{about} is replaced by its absolute values"),
    "prepared_transposed": (2, "{about} is transposed before anything else"),
    "prepared_clamped": (2, "what is negative in {about} is taken for zero"),
    "prepared_rounded": (3, "{about} is rounded before anything else"),
    "prepared_centred": (3, "the mean of {about} is taken off before anything else"),
    "prepared_scaled": (3, "{about} is scaled before anything else"),
    "prepared_normed": (3, "{about} is scaled before anything else"),
    "overwritten": (4, "{about} counts as if it were zero"),
    "drawn_transposed": (3, "{place} is drawn transposed"),
    **MORE,
}
DRAWN = ("starts_", "shape_turned", "drawn_")  # about one draw of several in a statement
NUMERIC = ("condition_positive", "condition_exactly_one", "condition_at_least")  # of elements
NEAR = 1.0  # in rank: changes of a group that are about as likely as the likeliest
TOLD_BESIDE = 2  # other changes that behave alike
MOST_TOLD = 3
FAMILIES = (  # kinds of change that are one slip
    (("loop_short", "loop_late", "one_less"), "{place} makes one turn too few"),
    (("loop_long", "one_more"), "{place} makes one turn too many"),
    (("returns_inside", "ends_after_one", "fixed"), "Only the first turn of {place} is made"),
    (("twice_the", "twice"), "{place} counts twice, or is twice as large as it should be"),
    (("half_the", "half"), "{place} counts half, or is half as large as it should be"),
    (("not_squared", "other_power"), "{place} leaves out the square"),
)
HINTS = {
    "start": "What does the task say of the start, and what does your function start from?",
    "return": "Compare what you return with what the docstring promises: which, in which order, "
    "of which shape?",
    "loop": "Go through the loop by hand for the smallest example: how many turns, and what is "
    "done in each?",
    "step": "Do this part with pen and paper on the smallest example, and compare term by term.",
}


@dataclass(frozen=True)
class Sentence:
    """What a change does. rank: the lower, the likelier it is what a student did; vague: whether it
    has no word for what it is about; place: what the title begins with, where that is a place;
    two: whether it is of two changes made together; small: its first letter inside of a sentence
    """

    kind: str
    rank: float
    title: str
    hint: str
    vague: bool = False
    place: str = ""
    two: bool = False
    small: str = ""

    @property
    def inside(self) -> str:
        """The title as it stands inside of a sentence."""
        return (self.small or lowered(self.title)[0]) + self.title[1:]

    @property
    def rest(self) -> str:
        """The title without its place."""
        return self.title[len(self.place) :].strip()


def sentence(change: Change, words: Mapping[str, str]) -> Sentence:
    """The sentence of a change in an assignment's own words."""
    if change.second is not None:
        return _of_two(sentence(replace(change, second=None), words), change.second, words)
    kind = _kind(change, words)
    rank, template = TEMPLATES.get(kind, (9, "{place} is not as it should be"))
    places = zip_longest(change.places, change.around, fillvalue=())
    known = [_inside(around, words) or _place(str(place), words) for place, around in places]
    known = [place for place in dict.fromkeys(known) if place]
    place = _listed(known) if known else SOMEWHERE.format(function=change.function)
    about, other = _part(change.about, words), _part(change.other, words)
    if change.kind.startswith("returned_") and not about:
        about = "the result"
    if about and not change.everywhere and change.kind.startswith(DRAWN):
        place, known = about, [about]
    vague = 4.0 if change.kind in NUMERIC and not change.about.endswith("]") else 0.0
    if (ABOUT in template and not about) or (OTHER in template and not other):
        template, vague = "{place} is not as it should be", 3.0
    if PLACE in template and not known:
        vague += 2.0
    template = _agreeing(template, PLACE, many=len(known) > 1 or _is_plural(place))
    template = _agreeing(template, ABOUT, many=_is_plural(about))
    text = template.format(place=place, about=about, other=other)
    rank += vague - 0.1 * change.everywhere
    title = text[0].upper() + text[1:]
    begins = place[0].upper() + place[1:] if template.startswith(PLACE) else ""
    return Sentence(change.kind, rank, title, _hint(change), vague > 0, begins, small=text[0])


def _kind(change: Change, words: Mapping[str, str]) -> str:
    """The kind of a change as it is told: some are told more exactly than they are made."""
    if change.kind == "transposed" and change.about.endswith((".T", ".mT")):
        return "not_transposed"
    if change.kind == "old_value" and not re.search(r"[-+*/@]=", change.other):
        return "older_value"  # what is set anew has no step of its own
    if change.kind == "switched" and change.about.startswith("requires_grad="):
        return "without_that"
    if change.kind in ("without", "switched", "unfinished") and _part(change.about, words):
        return f"{change.kind}_that"
    return change.kind


def together(told: Sequence[Sentence]) -> Sentence:
    """What sentences about changes that behave alike have in common, the likeliest of them first:
    the same slip in this place or that, or a place where it is this slip or that. Where that is
    nothing, the likeliest, and what else behaves alike.
    """
    first = told[0]
    near = [one for one in told if one.two == first.two and not one.vague]
    near = [one for one in near if one.rank <= first.rank + NEAR]
    if first.vague or len(near) < 2:
        return first
    for kinds, template in FAMILIES:
        if all(one.kind in kinds and one.place for one in near):
            places = list(dict.fromkeys(one.place for one in near))
            return _joined(near, template.format(place=_or(places)))
    slips = {(one.kind, one.rest) for one in near}
    if len(slips) == 1 and first.place:
        return _joined(near, f"{_or([one.place for one in near])} {first.rest}")
    if first.place and all(one.place == first.place for one in near):
        return _joined(near, f"{first.place} {_or([one.rest for one in near])}")
    others = [one.inside for one in near[1:]][:TOLD_BESIDE]
    more = f" (The same would come of another slip: {'; or: '.join(others)}.)"
    return replace(first, hint=first.hint + more)


def _joined(near: Sequence[Sentence], title: str) -> Sentence:
    hints = {one.hint for one in near}
    return replace(near[0], title=title, hint=near[0].hint if len(hints) == 1 else HINTS["step"])


def _or(parts: Sequence[str]) -> str:
    """Parts as a choice; all but the first in small letters."""
    parts = [parts[0], *map(lowered, parts[1:])][:MOST_TOLD]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def lowered(text: str) -> str:
    """Without the capital of a first word that is no name: "U's step" and "A is" keep it."""
    word, _, rest = text.partition(" ")
    article = word == "A" and rest.split(" ")[0] not in VERBS
    is_name = len(word.partition("'")[0]) == 1 and not article
    return text if is_name else text[0].lower() + text[1:]


def _of_two(one: Sentence, second: Change, words: Mapping[str, str]) -> Sentence:
    """The sentence of two changes made together."""
    other = sentence(second, words)
    title = f"{one.title}; and {other.inside}"
    rank = one.rank + other.rank + 1
    return Sentence(
        one.kind, rank, title, one.hint, one.vague or other.vague, two=True, small=one.small
    )


def _hint(change: Change) -> str:
    if change.kind.startswith("starts_") or change.kind in ("seeded", "shape_turned"):
        return HINTS["start"]
    if change.kind.startswith("returned") or change.kind in ("not_returned", "product_returned"):
        return HINTS["return"]
    if change.kind.startswith(("loop_", "ends_", "returns_inside")) or "loop" in change.kind:
        return HINTS["loop"]
    return HINTS["step"]


def _part(fragment: str, words: Mapping[str, str]) -> str:
    """The word of a fragment; "" where it has none. Numbers are their own."""
    if re.fullmatch(r"-?\d+(\.\d+)?", fragment):
        return fragment
    return words.get(fragment, GENERAL.get(fragment, ""))


def _inside(around: Sequence[str], words: Mapping[str, str]) -> str:
    """The word of the nearest expression around a change that is told in place of its statement; ""
    where there is none.
    """
    return next((words[f"in {one}"] for one in around if f"in {one}" in words), "")


def _place(statement: str, words: Mapping[str, str]) -> str:
    """The word of a statement, or of the target of one."""
    if not statement:
        return ""
    if statement in words:
        return words[statement]
    try:
        node = ast.parse(statement + " pass" if statement.endswith(":") else statement).body[0]
    except SyntaxError:
        return ""
    if isinstance(node, ast.AugAssign):
        return words.get(f"{ast.unparse(node.target)} =", "")
    if isinstance(node, ast.Assign):
        return words.get(f"{ast.unparse(node.targets[0])} =", "")
    if isinstance(node, ast.Return):
        return words.get("return", "what is returned")
    if isinstance(node, ast.For):
        return words.get(f"for {ast.unparse(node.iter)}", "")
    if isinstance(node, ast.If):
        return words.get(f"if {ast.unparse(node.test)}", "the condition")
    return ""


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _agreeing(template: str, slot: str, *, many: bool) -> str:
    """A template whose verb after a slot goes with what is put there."""
    if not many or slot not in template:
        return template
    verb = rf"(?<={re.escape(slot)} )({'|'.join(VERBS)})(?= |$)"
    template = re.sub(verb, lambda found: VERBS[found[0]], template)
    if template.startswith(slot):
        for one in (" as it should", " than it is", " as it is", " it should"):
            template = template.replace(one, one.replace(" it ", " they ").replace(" is", " are"))
        for one in (" its first", " its last", " its sign", " its condition"):
            template = template.replace(one, one.replace(" its ", " their "))
    return template


def _is_plural(word: str) -> bool:
    """Whether a word of an assignment is of several things: "the weights of U" is."""
    noun = re.split(rf" (?:{BEHIND}) ", word)[0].split()
    if not noun or noun[0].endswith("ing") or noun[0] == "what":
        return False
    return bool(re.fullmatch(r"\w{2,}[^\Wsuia]s", noun[-1]))


GENERAL = {  # parts that mean the same in every assignment
    "mean": "the mean", "sum": "the sum", "abs": "the absolute values", "sqrt": "the root",
    "item": "the conversion to a plain number", "requires_grad=True": "the request for gradients",
}  # fmt: skip
BEHIND = (  # what may stand behind the noun of a word
    "of|on|in|at|by|to|for|with|from|after|before|over|under|between|which|that|whose|as|and"
)
VERBS = {
    "is": "are", "uses": "use", "goes": "go", "has": "have", "leaves": "leave", "takes": "take",
    "stops": "stop", "makes": "make", "adds": "add", "subtracts": "subtract",
    "multiplies": "multiply", "divides": "divide", "replaces": "replace", "loses": "lose",
    "ends": "end", "runs": "run", "counts": "count", "keeps": "keep", "asks": "ask",
    "fades": "fade", "lets": "let", "measures": "measure", "squares": "square", "cuts": "cut",
    "gives": "give", "sorts": "sort", "starts": "start", "changes": "change", "falls": "fall",
    "rises": "rise", "belongs": "belong", "lacks": "lack", "comes": "come", "averages": "average",
}  # fmt: skip
