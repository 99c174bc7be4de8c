"""A call whose random start is given: while it runs, what draws hands these tensors out, each once,
to who asks for its shape or for its transpose.
"""

from __future__ import annotations

import contextlib
import importlib


@contextlib.contextmanager
def started_from(draw: str, tensors: list):
    """Let `draw`, as in "torch.rand", hand out `tensors`; whatever is drawn after them is drawn as
    it would have been.
    """
    if not draw:
        yield
        return
    module, _, attribute = draw.rpartition(".")
    home, left = importlib.import_module(module), list(tensors)
    real = getattr(home, attribute)

    def handed_out(*shape, **settings):
        drawn = real(*shape, **settings)
        for turned in (False, True):
            for place, tensor in enumerate(left):
                one = tensor.T if turned and tensor.ndim == 2 else tensor
                if one.shape == drawn.shape:
                    left.pop(place)
                    return one.to(drawn).clone().requires_grad_(drawn.requires_grad)
        return drawn

    setattr(home, attribute, handed_out)
    try:
        yield
    finally:
        setattr(home, attribute, real)
