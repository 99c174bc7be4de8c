"""Runs behind the line, beside a known mistake: `diagnosis` compares it with a submission from that
submission's own start.
"""

import importlib

import torch


def call_from_start(name, draw, start, arguments, option_names, option_values):
    """Call the mistake's function `name` while `draw`, as in "torch.rand", hands out the tensors of
    `start`.
    """
    module, _, attribute = draw.rpartition(".")
    module, left = importlib.import_module(module), list(start)
    real = getattr(module, attribute)

    def handed_out(*shape, **settings):
        drawn = real(
            *shape, **settings
        )  # whatever is drawn after the start is drawn as it would have been
        for turned in (False, True):
            for place, tensor in enumerate(left):
                if (tensor.T if turned else tensor).shape == drawn.shape:
                    tensor = left.pop(place)
                    tensor = (tensor.T if turned else tensor).to(torch.float32).clone()
                    return tensor.requires_grad_(drawn.requires_grad)
        return drawn

    setattr(module, attribute, handed_out)
    return globals()[name](*arguments, **dict(zip(option_names, option_values, strict=True)))
