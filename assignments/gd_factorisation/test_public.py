"""Checks that students get: run `pytest` in this folder, or the check cells of the notebook."""

import pytest
import torch

LR = 0.05
STILL = 1e-30  # a learning rate too small to move anything: after one iteration C and F are where they started
NEAR = 2e-3  # how far a slope may be off, in float32


# --- criterion --------------------------------------------------------------------------------------------------------

A = torch.tensor([[2.0, 0.0], [5.0, 4.0]])
B = torch.tensor([[1.0, 2.0], [5.0, 1.0]])
KNOWN = {
    3.5: "the mean",
    14**0.5: "the square root of the sum",
    6.0: "the sum of the absolute differences",
    7.0: "half the sum",
}


def fourteen(result):
    call = "criterion(A, B) with the differences 1, -2, 0 and 3"
    assert isinstance(result, torch.Tensor), (
        f"{call} returned a {type(result).__name__}; expected a torch.Tensor"
    )
    assert result.shape == (), (
        f"{call} returned a tensor of shape {tuple(result.shape)}; expected one number, of shape ()"
    )
    value = float(result.detach())
    guess = next(
        (f": it looks like {what}" for number, what in KNOWN.items() if abs(value - number) < 1e-3),
        "",
    )
    assert abs(value - 14) < 1e-4, f"{call} returned {value:g}; expected 14{guess}"


@pytest.mark.task("criterion")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "Work it out on paper: the differences are 1, −2, 0 and 3. Square each of them, then add up."
)
def test_criterion_adds_up_squares(student):
    """criterion gives 14 where the differences are 1, −2, 0 and 3, as a 0-d tensor."""
    fourteen(student.criterion(A, B))


@pytest.mark.task("criterion")
@pytest.mark.points(0.25)
@pytest.mark.hint(
    "Stay with torch operations from A and B to the result, so that `backward` finds its way back."
)
def test_criterion_can_be_followed_back(student, picture):
    """Autograd finds the slopes of criterion along every entry of A and of B."""
    value, gradients = student.differentiate("criterion", A, B)
    fourteen(value)
    expected = torch.tensor([[2.0, -4.0], [0.0, 6.0]])
    for name, got, right in (("A", gradients[0], expected), ("B", gradients[1], -expected)):
        lost = f"criterion(A, B): autograd finds no way back from the result to {name}, so {name} would never learn anything"
        assert got is not None, lost
        if bool((got - right).abs().max() > 1e-4):
            picture.compare(
                yours=got,
                expected=right,
                name=f"the gradient of criterion(A, B) with respect to {name}",
            )
        slopes = f"{got.flatten().tolist()}; expected {right.flatten().tolist()}"
        assert torch.allclose(got, right, atol=1e-4), (
            f"criterion(A, B) has the slopes along the entries of {name} {slopes}"
        )


@pytest.mark.task("criterion")
@pytest.mark.points(0.25)
@pytest.mark.hint(
    "Make a new tensor for every intermediate result: operators such as `-=` change the tensor on their left."
)
def test_criterion_only_looks(student):
    """criterion gives its result and changes neither A nor B."""
    call = student.call("criterion", A, B)
    fourteen(call.value)
    for name, before, after in zip("AB", (A, B), call.arguments, strict=True):
        assert torch.equal(before, after), (
            f"after criterion(A, B) the matrix {name} holds other numbers than before"
        )


# --- gd_factorise -----------------------------------------------------------------------------------------------------

D = torch.tensor([[1.0, 0.5, 1.2], [0.3, 0.9, 0.6], [0.8, 1.1, 0.4], [0.5, 0.7, 1.0]])


def results(result, call, shape, k):
    """C, F and the history of a call, once they are what they should be: two finite matrices and a list."""
    assert isinstance(result, tuple | list), (
        f"{call} returned a {type(result).__name__}; expected (C, F, loss_history)"
    )
    assert len(result) == 3, (
        f"{call} returned {len(result)} results; expected 3: C, F and loss_history"
    )
    (n, m), found = shape, []
    for name, value, right in zip("CF", result[:2], ((n, k), (k, m)), strict=True):
        assert isinstance(value, torch.Tensor), (
            f"{call} returned a {type(value).__name__} for {name}; expected a torch.Tensor"
        )
        turned = ": it looks transposed" if value.shape == right[::-1] else ""
        assert value.shape == right, (
            f"{call} returned {name} of shape {tuple(value.shape)}; expected {right}{turned}"
        )
        value = value.detach().to(torch.float64).contiguous()
        finite = bool(torch.isfinite(value).all())
        assert finite, (
            f"{call} returned {name} with inf or nan in it: the descent diverged, on a matrix where it should not"
        )
        found.append(value)
    return (*found, result[2])


def numbers(losses, count, call):
    """The history as floats, once it is a list of as many numbers as there were iterations."""
    listed = isinstance(losses, tuple | list)
    assert listed, (
        f"{call} returned a {type(losses).__name__} as loss_history; expected a list of floats"
    )
    assert len(losses) == count, (
        f"{call} returned a loss_history of {len(losses)} values; expected {count}, one an iteration"
    )
    losses = [loss.detach() if isinstance(loss, torch.Tensor) else loss for loss in losses]
    for loss in losses:
        number = hasattr(loss, "__float__") and getattr(loss, "ndim", 0) == 0
        assert number, (
            f"{call} returned a loss_history with a {type(loss).__name__} in it; expected floats"
        )
    return [float(loss) for loss in losses]


def stations(student, count):
    """Where your descent on D is at its start and after 1, 2 ... iterations: (C, F) each, and the last history."""
    found = []
    for steps in range(count + 1):
        iterations, lr = (steps, LR) if steps else (1, STILL)
        call = f"gd_factorise(D, k=2, num_iterations={iterations}, lr={lr:g})"
        result = student.seeded(1).gd_factorise(D, 2, num_iterations=iterations, lr=lr)
        C, F, losses = results(result, call, (4, 3), 2)
        found.append((C, F))
    return found, losses


def loss_at(C, F):
    return float(torch.linalg.matrix_norm(C @ F - D.double()) ** 2)


def slopes_at(C, F):
    """How steeply the loss rises along each entry of C and of F, measured by moving that entry up and down by a half."""
    found = []
    for name, factor in (("C", C), ("F", F)):
        slope = torch.zeros_like(factor)
        for place in range(factor.numel()):
            up, down = factor.clone(), factor.clone()
            up.view(-1)[place] += 0.5
            down.view(-1)[place] -= 0.5
            ends = [loss_at(moved, F) if name == "C" else loss_at(C, moved) for moved in (up, down)]
            slope.view(-1)[place] = ends[0] - ends[1]
        found.append(slope)
    return found


def near(got, right):
    return bool((got - right).abs().max() < NEAR * max(1.0, float(right.abs().max())))


def multiple(of, got):
    """By which number `of` must be multiplied to give `got` (None: by no number)."""
    size = float((of * of).sum())
    ratio = float((of * got).sum()) / size if size > 1e-12 else 0.0
    return ratio if near(ratio * of, got) else None


def how(moved, slope, before, late):
    """What a wrong step looks like. moved: how far it went, over lr; before: the same of the step before; late: the slope at
    the other factor's new place."""
    if float(moved.abs().max()) < 1e-4:
        return "it did not move at all; does every iteration use lr, and are there num_iterations of them?"
    ratio = multiple(slope, moved)
    if ratio is not None:
        if abs(ratio + 1) < 0.01:
            return "it went uphill"
        mean = (
            ", as if the mean were minimised and not the sum"
            if abs(ratio * D.numel() - 1) < 0.02
            else ""
        )
        return f"it went {ratio:.3g} times as far as lr times the slope{mean}"
    if before is not None:
        rest = multiple(before, moved - slope)
        if rest is not None and abs(rest - 1) < 0.02:
            return "it looks as if the slopes of the iteration before were still in .grad and had been added to the new ones"
        if rest is not None:
            return f"it looks as if {rest:.2g} times the step before were in it: plain gradient descent has no memory"
    if near(moved, late):
        return "it looks as if its slope had been taken after the other factor had already moved"
    return "it is another step altogether"


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.25)
@pytest.mark.hint(
    "C has a row for every row of D, F a column for every column of D, and k is the size that they share."
)
def test_factors_have_the_right_shapes(student):
    """gd_factorise returns C of shape (n, k), F of shape (k, m) and the loss history, in this order."""
    for k in (2, 5):
        call = f"gd_factorise(D, k={k}, num_iterations=5, lr=0.01) with D of shape (4, 3)"
        results(
            student.gd_factorise(torch.ones(4, 3), k, num_iterations=5, lr=0.01), call, (4, 3), k
        )


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.25)
@pytest.mark.hint("Two calls of torch.rand, as they come, and the seed is the caller's business.")
def test_descent_starts_from_random_numbers(student):
    """C and F start from torch.rand: numbers between 0 and 1, hardly two alike, and others after another torch.manual_seed."""
    call = f"gd_factorise(D, k=7, num_iterations=1, lr={STILL:g}) with D of shape (6, 5), which is to stay at its start,"
    starts = []
    for seed in (1, 2):
        result = student.seeded(seed).gd_factorise(torch.ones(6, 5), 7, num_iterations=1, lr=STILL)
        C, F, _ = results(result, call, (6, 5), 7)
        starts.append(torch.cat([C.flatten(), F.flatten()]))
    first, second = starts
    low, high = float(first.min()), float(first.max())
    assert low >= 0 and high < 1, (
        f"{call} returned numbers from {low:.3g} to {high:.3g}; torch.rand stays between 0 and 1"
    )
    assert high - low > 0.8, (
        f"{call} returned numbers from {low:.3g} to {high:.3g} only; torch.rand fills all of 0 to 1"
    )
    several = f"{call} returned the same numbers in several places; draw C and F separately"
    assert len(first.unique()) > 0.9 * len(first), several
    assert not torch.equal(first, second), (
        f"{call} starts from the same numbers after torch.manual_seed(1) and (2)"
    )


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "Go through the five parts once more: forward, loss, backward, update, zero. Is each of them in every iteration?"
)
def test_each_step_goes_down_the_slope(student, picture):
    """Each of the first three steps moves every entry of C and F by −lr times the slope of the loss at the point before it."""
    places, _ = stations(student, 3)
    before = (None, None)
    for step in (1, 2, 3):
        old, new = places[step - 1], places[step]
        slopes = slopes_at(*old)
        steep = min(float(slope.abs().max()) for slope in slopes)
        where = f"gd_factorise(D, k=2, num_iterations={step}, lr={LR:g})"
        assert steep > 1e-3, (
            f"{where} begins step {step} at a point where the loss is flat, so that nothing can move"
        )
        late = (
            slopes_at(new[0], old[1])[1],
            slopes_at(old[0], new[1])[0],
        )  # F's slope at the new C, C's at the new F
        moved = [(a - b) / LR for a, b in zip(old, new, strict=True)]
        for i, name in enumerate("CF"):
            right = near(moved[i], slopes[i])
            if not right:
                picture.compare(
                    yours=new[i],
                    expected=old[i] - LR * slopes[i],
                    name=f"{name} after {step} of your iterations",
                )
            assert right, (
                f"{where}: step {step} moves {name} wrongly: {how(moved[i], slopes[i], before[i], late[1 - i])}"
            )
        before = moved


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.5)
@pytest.mark.hint(
    "In which line of an iteration is the loss put on the list, and which C and F does it belong to?"
)
def test_history_is_the_loss_before_each_step(student):
    """loss_history holds the loss before each step: first that of the start, then one for every further iteration."""
    places, history = stations(student, 3)
    call = f"gd_factorise(D, k=2, num_iterations=3, lr={LR:g})"
    got, right = numbers(history, 3, call), [loss_at(*place) for place in places]
    ratios = [a / b for a, b in zip(got, right[:3], strict=True)]
    guess = ""
    if all(abs(a - b) < 1e-4 * b for a, b in zip(got, right[1:], strict=True)):
        guess = ": it looks as if it were recorded after the step"
    elif max(ratios) - min(ratios) < 1e-4:
        guess = f": your values are {ratios[0]:.3g} times the sum of the squared differences"
    values = f"[{', '.join(f'{value:.4f}' for value in got)}]; expected [{', '.join(f'{value:.4f}' for value in right[:3])}]"
    good = all(abs(ratio - 1) < 1e-4 for ratio in ratios)
    assert good, (
        f"{call} returned the loss_history {values}, the losses at your own C and F before each step{guess}"
    )
    call = f"gd_factorise(D, k=2, num_iterations=4, lr={STILL:g})"
    numbers(student.gd_factorise(D, 2, num_iterations=4, lr=STILL)[2], 4, call)


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.25)
@pytest.mark.hint(
    "One float goes into the list in every iteration. Plot the list: gradient descent goes downhill."
)
def test_loss_history_falls(student, picture):
    """The loss history has one value for every iteration, and its last value is below its first."""
    call = "gd_factorise(D, k=1, num_iterations=50, lr=0.01)"
    _, _, losses = results(student.gd_factorise(D, 1, num_iterations=50, lr=0.01), call, (4, 3), 1)
    losses = numbers(losses, 50, call)
    first, last = losses[0], losses[-1]
    floor = float((torch.linalg.svdvals(D)[1:] ** 2).sum())
    picture.curve(
        yours=losses, floor=floor, name="loss of gd_factorise(D, k=1), num_iterations=50, lr=0.01"
    )
    assert last == last, f"{call}: the last loss is nan: the descent diverged"
    assert last < first, (
        f"{call}: the loss went from {first:.4g} to {last:.4g}; expected it to fall"
    )


@pytest.mark.task("gd_factorise")
@pytest.mark.points(0.25)
@pytest.mark.hint("D is not yours: whatever you compute from it belongs in a new tensor.")
def test_d_stays_as_it_was(student):
    """gd_factorise brings C F closer to D, and D itself is the same after the call as before."""
    still = student.seeded(1).gd_factorise(D, 2, num_iterations=1, lr=STILL)
    C0, F0, _ = results(still, f"gd_factorise(D, k=2, num_iterations=1, lr={STILL:g})", (4, 3), 2)
    call = student.seeded(1).call("gd_factorise", D, 2, num_iterations=20, lr=0.02)
    C, F, _ = results(call.value, "gd_factorise(D, k=2, num_iterations=20, lr=0.02)", (4, 3), 2)
    assert torch.equal(call.arguments[0], D), (
        "after gd_factorise(D, ...) the matrix D holds other numbers than before"
    )
    start, end = loss_at(C0, F0), loss_at(C, F)
    assert end < 0.999 * start, (
        f"gd_factorise(D, k=2, num_iterations=20, lr=0.02) took the loss from {start:.4g} to {end:.4g}"
    )
