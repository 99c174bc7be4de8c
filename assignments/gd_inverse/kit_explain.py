"""What torch's and Python's error messages mean, and where to look then.

A check that fails shows the explanation of what happened in the place of its own hint. Each is
tested against the message as torch raises it; other versions word some of them otherwise.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Explanation(NamedTuple):
    """A kind of error. says: patterns of its messages; means: what it means and where to look"""

    name: str
    says: tuple[str, ...]
    means: str


RAISED = (
    Explanation(
        "the stub's last line",
        (r"raised NotImplementedError: this function is not written yet",),
        "The line `raise NotImplementedError(...)` that came with the function is still in it, and "
        "ends the call there. Take it out, and have the function end in its own `return`.",
    ),
    Explanation(
        "no function",
        (r"^\w+ is not defined\b",),
        "A function is there once Python has read its `def` without an error. Where the message "
        "has a line, mend what it says of it; otherwise look at the function's name, and run its "
        "cell.",
    ),
    Explanation(
        "a leaf changed in place",
        (r"leaf Variable that requires grad (?:is being|has been) used in an in-place",),
        "You changed a tensor that requires grad while torch was recording. Do an update of what "
        "is learnt inside `with torch.no_grad():`, so that it is no part of what is "
        "differentiated. What the loss is made of goes into a new tensor: A - B in place of "
        "A -= B.",
    ),
    Explanation(
        "nothing to differentiate",
        (
            r"does not require grad",
            r"not have been used in the graph",
            r"'float' object has no attribute 'backward'",
        ),
        "The loss does not depend on anything that torch follows. Do the factors have "
        "requires_grad=True? Is the loss made of them, outside `torch.no_grad()`, without "
        ".item(), .detach(), .data, or torch.tensor(...) around a result?",
    ),
    Explanation(
        "not one number",
        (r"grad can be implicitly created only for scalar outputs",),
        "backward() starts from one number. Make the loss one: .sum() or .mean(), as the "
        "description says.",
    ),
    Explanation(
        "no gradient there",
        (
            r"'NoneType' object has no attribute '\w+_'",
            r"operand type\(s\) for .*'NoneType'.*\.grad\b",
        ),
        "A .grad is None: backward() has not been called yet, or that tensor is not the one that "
        "was differentiated. `X = X - lr * X.grad` makes a new tensor, which has no .grad: "
        "change X in place, inside `with torch.no_grad():`.",
    ),
    Explanation(
        "None where a value is needed",
        (
            r"'NoneType' object has no attribute",
            r"operand type\(s\) for .*'NoneType'",
            r"'NoneType' object is not (?:subscriptable|callable|iterable)",
            r"cannot unpack non-iterable NoneType",
            r"must be Tensor, not NoneType",
        ),
        "Something in that line is None. A function without `return` gives None, and so does a "
        "method that works in place, such as list.append(). A .grad is None until backward() has "
        "been called, and in every tensor that was made anew since.",
    ),
    Explanation(
        "backward a second time",
        (r"backward through the graph a second time",),
        "backward() was called twice on one computation. Compute the loss anew in every iteration, "
        "from the tensors as they are now; nothing that was computed before the loop may be in it.",
    ),
    Explanation(
        "changed before its gradient was taken",
        (r"modified by an inplace operation",),
        "A tensor was changed in place between the computation of the loss and backward(), which "
        "still needs the old value. Call backward() first and update afterwards: both factors.",
    ),
    Explanation(
        "matrices that cannot be multiplied",
        (
            r"shapes cannot be multiplied",
            r"mat1 dim 1 must match mat2 dim 0",
            r"size mismatch, \w+",
            r"dimensions of batch2 tensor",
            r"inconsistent tensor size",
            r"1D tensors expected",
        ),
        "In A @ B the columns of A must be as many as the rows of B: the message has both shapes. "
        "Which of the two has to be transposed (.T), or came in the wrong order?",
    ),
    Explanation(
        "shapes that do not fit",
        (
            r"must match the size of tensor",
            r"must match the existing size",
            r"must match except in dimension",
            r"expects each tensor to be equal size",
            r"is invalid for input of size",
            r"doesn't match the broadcast shape",
            r"must be batches of square matrices",
        ),
        "Two shapes do not fit: the message has both sizes. Print .shape of what the line uses. "
        "Is one of them transposed, or made for a square matrix only?",
    ),
    Explanation(
        "no power",
        (r"bitwise_xor", r"operand type\(s\) for \^"),
        "`^` is no power in Python: write x**5 for the fifth power of x.",
    ),
    Explanation(
        "two kinds of numbers",
        (
            r"have (?:the )?same dtype",
            r"expected scalar type \w+ but found",
            r"can't be cast to the desired output type",
            r"not implemented for '\w+'",
            r"[Oo]nly Tensors of floating point",
            r"could not infer output dtype",
            r"Expected a floating point or complex",
            r"[Ff]ound dtype",
        ),
        "Two kinds of numbers meet: float and double, or whole numbers where real ones are needed. "
        "Make your own tensors as the argument is (torch.rand without a dtype, or "
        "torch.zeros_like), or change one of them with .to(A.dtype) or .float().",
    ),
    Explanation(
        "the descent diverged",
        (r"contained non-finite values", r"Numerical result out of range"),
        "NaN or infinite numbers arrived here: the descent diverged. Print the loss in every "
        "iteration. Does it grow from the start? Then look at the sign of the step, at lr, and at "
        "gradients that add up because nothing sets them to zero.",
    ),
    Explanation(
        "no such element",
        (
            r"out of bounds for dimension",
            r"index out of range",
            r"too many indices for tensor",
            r"invalid index of a 0-dim tensor",
        ),
        "An index is larger than the tensor or list, or there are more indices than dimensions. "
        "Indices run from 0 to size - 1. What is its shape, and over what range does the loop run?",
    ),
    Explanation(
        "no value yet",
        (r"UnboundLocalError",),
        "That name gets its value inside the function, but not on the way that this call took: in "
        "a branch or loop that did not run, or further down.",
    ),
    Explanation(
        "an unknown name",
        (r"NameError",),
        "Nothing of that name is there: a typing mistake, a missing import, or a cell that has not "
        "been run. A function may use only its arguments and what the cells above it define.",
    ),
    Explanation(
        "a changed signature",
        (
            r"^(\w+) raised TypeError: \1\(\) got an unexpected keyword",
            r"^(\w+) raised TypeError: \1\(\) missing \d+ required",
            r"^(\w+) raised TypeError: \1\(\) takes (?:from )?\d+.* positional",
            r"^(\w+) raised TypeError: \1\(\) got multiple values",
        ),
        "The parameters are not the ones that came with the function. Give its first line, "
        "`def ...`, the names, the order and the default values that the handout has.",
    ),
    Explanation(
        "more than one number",
        (
            r"cannot be converted to Scalar",
            r"only one element tensors can be converted",
            r"Tensor with more than one value is ambiguous",
        ),
        "One number is needed where a tensor has several. Add them up, take one element, or "
        "compare with .all() or .any().",
    ),
    Explanation(
        "a number and no tensor",
        (r"'(?:float|int)' object has no attribute '(?!backward)",),
        "A plain Python number is where a tensor is expected. Does a function of yours return a "
        "number (leave out .item() and float(...) there), or is .item() not needed here?",
    ),
    Explanation(
        "a tensor that torch still follows",
        (r"Can't call numpy\(\) on Tensor that requires grad",),
        "NumPy and plots want plain numbers: write X.detach() in that place. Where backward() has "
        "to find its way through, stay with torch's own functions.",
    ),
    Explanation(
        "an optimiser without its tensors",
        (
            r"can't optimize a non-leaf Tensor",
            r"optimizer got an empty parameter list",
            r"params argument given to the optimizer",
            r"optimizer can only optimize Tensors",
        ),
        "An optimiser takes a list of the tensors that it changes, as they were made: "
        "X = torch.rand(...); X.requires_grad_(); torch.optim.SGD([X], lr=lr).",
    ),
    Explanation(
        "no graphics card",
        (r"not compiled with CUDA enabled", r"no NVIDIA driver", r"No CUDA GPUs are available"),
        "There is no graphics card here, and none where your work is graded. Leave out .cuda() and "
        'device="cuda", or ask torch.cuda.is_available() first.',
    ),
    Explanation(
        "no such method",
        (r"'Tensor' object has no attribute", r"module 'torch[\w.]*' has no attribute"),
        "torch has nothing of that name: a typing mistake, or NumPy's word for it "
        "(.astype(...) is .to(...), .copy() is .clone()).",
    ),
)

ANSWERED = (
    Explanation(
        "off by nan",
        (r"\bby (?:up to )?nan\b", r"\bdifference (?:is )?nan\b", r"\b(?:to|at) nan\b"),
        "nan is no number: it is what is left when the descent diverged, with a step that is too "
        "long, of the wrong sign, or made of gradients that add up because nothing sets them to "
        "zero. Print the loss in every iteration. (Where the input holds NaN: NaN * 0 is NaN too.)",
    ),
)


def explain(message: str, raised: bool) -> str:
    """What a message means and where to look then; "" where that is not known.

    raised: whether it is an exception's, and not that of a check that compared
    """
    if not raised and "diverge" in message:
        return ""  # the check has said it, and its hint goes with that
    for explanation in RAISED if raised else ANSWERED:
        if any(re.search(pattern, message) for pattern in explanation.says):
            return explanation.means
    return ""
