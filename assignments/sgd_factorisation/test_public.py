"""The checks that you get: run `pytest` in this folder, or the check cells of the notebook."""

import pytest
import torch


def factors(value, m, n, rank, call):
    """U and V as float64 tensors, after making sure that this is what `call` returned."""
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    assert pair, f"{call} returned {type(value).__name__}; expected two tensors (U, V)"
    for name, factor, rows in (("U", value[0], m), ("V", value[1], n)):
        assert isinstance(factor, torch.Tensor), f"{call}: {name} is {type(factor).__name__}; expected a torch.Tensor"
        assert factor.shape == (rows, rank), f"{call}: {name} has shape {tuple(factor.shape)}; expected {(rows, rank)}"
        assert factor.is_floating_point(), f"{call}: {name} has dtype {factor.dtype}; expected a floating dtype"
    return [factor.detach().to(torch.float64) for factor in value]


def rounded(tensor):
    """A tensor's elements as text, to four decimals."""
    return str([[round(element, 4) for element in row] for row in tensor.tolist()])


@pytest.mark.task("sgd_factorise")
@pytest.mark.points(1)
@pytest.mark.hint("U has a row for every row of A, V one for every column of A. Make both with torch.rand; set no seed yourself.")
def test_factors_start_from_torch_rand(student):
    """sgd_factorise returns U (m×rank) and V (n×rank), which start uniform on [0, 1) and follow the seed."""
    starts = {}
    for seed in (1, 2):
        call = "sgd_factorise(A of shape (8, 7), rank=6, num_epochs=1, lr=0.0)"
        value = student.seeded(seed).sgd_factorise(torch.ones(8, 7), 6, num_epochs=1, lr=0.0)
        U, V = factors(value, 8, 7, 6, call)
        for name, factor in (("U", U), ("V", V)):
            inside = bool(((factor >= 0) & (factor < 1)).all())
            assert inside, f"{call}: {name} does not start between 0 and 1; start it from torch.rand"
            alike = factor.numel() - len(set(factor.flatten().tolist()))
            assert alike < 3, f"{call}: elements of {name} start equal to each other; start it from torch.rand"
        starts[seed] = torch.cat([U, V])
    low, high = (float(extreme(torch.cat([*starts.values()]))) for extreme in (torch.min, torch.max))
    spread = f"the 180 elements of two starts lie between {low:.2g} and {high:.2g}; use the numbers of torch.rand as they are"
    assert low < 0.25 and high > 0.75, spread
    assert not torch.equal(starts[1], starts[2]), "seeds 1 and 2 give the same start; do not set the seed inside the function"


@pytest.mark.task("sgd_factorise")
@pytest.mark.points(1)
@pytest.mark.hint("Do the step with pen and paper: first the error e, then U, then V from the new U.")
def test_one_update_as_by_hand(student):
    """One update changes U first, by lr·e·V, and then V, by lr·e·U with the new U."""
    call = "sgd_factorise([[2.0]], rank=1, num_epochs=1, lr=0.1)"
    A = torch.tensor([[2.0]])
    u, v = factors(student.sgd_factorise(A, 1, num_epochs=1, lr=0.0), 1, 1, 1, call)
    U, V = factors(student.sgd_factorise(A, 1, num_epochs=1, lr=0.1), 1, 1, 1, call)
    e = 2.0 - u * v
    new_u = u + 0.1 * e * v
    new_v = v + 0.1 * e * new_u
    start = f"{call} from your own start U = {rounded(u)}, V = {rounded(v)}"
    idle = [name for name, old, new in (("U", u, U), ("V", v, V)) if torch.equal(old, new)]
    assert not idle, f"{start} left {' and '.join(idle)} as it was; expected one step (num_epochs=1 means one pass)"
    assert torch.allclose(U, new_u, rtol=0, atol=1e-4), f"{start} returned U = {rounded(U)}; expected {rounded(new_u)}"
    assert torch.allclose(V, new_v, rtol=0, atol=1e-4), f"{start} returned V = {rounded(V)}; expected {rounded(new_v)}"


@pytest.mark.task("truncated_svd")
@pytest.mark.points(1)
@pytest.mark.hint("torch.linalg.svd returns U, S and Vh; Vh is V transposed already. Which columns and rows belong to S[:rank]?")
def test_truncated_svd_of_a_small_matrix(student):
    """truncated_svd keeps the largest singular value of a 2×3 matrix worked out by hand (its two are 30 and 15)."""
    A = torch.tensor([[4.0, 14.0, 16.0], [22.0, 2.0, 13.0]])
    expected = torch.tensor([[12.0, 6.0, 12.0], [16.0, 8.0, 16.0]])
    call = "truncated_svd([[4, 14, 16], [22, 2, 13]], rank=1)"
    R = student.truncated_svd(A, 1)
    assert isinstance(R, torch.Tensor), f"{call} returned {type(R).__name__}; expected one torch.Tensor"
    assert R.shape == (2, 3), f"{call} returned shape {tuple(R.shape)}; expected (2, 3)"
    assert R.is_floating_point(), f"{call} returned dtype {R.dtype}; expected a floating dtype"
    same = torch.allclose(R.detach().to(torch.float32), expected, rtol=0, atol=1e-3)
    assert same, f"{call} returned {rounded(R)}; expected {rounded(expected)}"


@pytest.mark.task("reconstruction_loss")
@pytest.mark.points(1)
@pytest.mark.hint("Subtract, square every element, add them all up: no mean, no square root.")
def test_loss_adds_up_the_squares(student):
    """reconstruction_loss is the sum of the squares of all elements of A − R, as a 0-d tensor."""
    A = torch.tensor([[1.0, 2.0, 0.0], [3.0, 4.0, 5.0]])
    R = torch.tensor([[1.0, 0.0, 1.0], [0.0, 4.0, 7.0]])
    call = "reconstruction_loss([[1, 2, 0], [3, 4, 5]], [[1, 0, 1], [0, 4, 7]])"
    loss = student.reconstruction_loss(A, R)
    assert isinstance(loss, torch.Tensor), f"{call} returned {type(loss).__name__}; expected a 0-d torch.Tensor"
    assert loss.shape == (), f"{call} returned shape {tuple(loss.shape)}; expected a 0-d tensor, of shape ()"
    assert loss.is_floating_point(), f"{call} returned dtype {loss.dtype}; expected a floating dtype"
    assert abs(float(loss) - 18.0) < 1e-4, f"{call} returned {float(loss):g}; expected 2² + 1² + 3² + 2² = 18"


@pytest.mark.task("sgd_factorise_masked")
@pytest.mark.points(1)
@pytest.mark.hint("Inside the loop, skip the element unless M is not zero there. Compare numbers with !=, not with `is not`.")
def test_only_observed_elements_train(student):
    """Where M is zero nothing is learned: with one observed element, only its row of U and its row of V change."""
    A = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [3.0, 2.0, 1.0]])
    M = torch.zeros(4, 3, dtype=torch.int64)
    M[2, 1] = 1
    call = "sgd_factorise_masked(A, M, rank=2, num_epochs=1, lr=0.05) with M zero but for M[2, 1]"
    before = factors(student.sgd_factorise_masked(A, M, 2, num_epochs=1, lr=0.0), 4, 3, 2, call)
    after = factors(student.sgd_factorise_masked(A, M, 2, num_epochs=1, lr=0.05), 4, 3, 2, call)
    for name, old, new, observed in (("U", before[0], after[0], 2), ("V", before[1], after[1], 1)):
        changed = [row for row in range(len(old)) if not torch.equal(old[row], new[row])]
        assert changed == [observed], f"{call}: the rows of {name} that changed are {changed}; expected [{observed}]"
