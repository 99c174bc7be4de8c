"""Figures: the one style of all lessons, and the small picture beside a check that failed.

style()                        the figures of all lessons look alike
show(figure, "what it shows")  a figure, with words for who cannot see it
"""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy
import torch

# Okabe and Ito, 2008: colours that the colour-blind can tell apart
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
SIGNED = "RdBu_r"  # red is positive, blue is negative, in every lesson
STYLE: dict[str, Any] = {
    "figure.figsize": (7, 4),
    "figure.dpi": 90,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "axes.grid": True,
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "grid.alpha": 0.3,
    "lines.linewidth": 1.8,
    "image.cmap": SIGNED,
}


def style() -> None:
    """Give figures the look of these lessons: one set of sizes, and one of colours."""
    import matplotlib

    matplotlib.rcParams.update(STYLE)
    matplotlib.rcParams["axes.prop_cycle"] = matplotlib.cycler(color=COLOURS)


def show(figure: Any, text: str) -> None:
    """Show a figure. text: what is to be seen in it, for a reader who cannot see it"""
    import matplotlib.pyplot as plt
    from IPython.display import display

    display(figure, metadata={"image/png": {"alt": text}})
    plt.close(figure)


# --- the picture beside a check -------------------------------------------------------------------

DPI = 80
SIDE = 40  # cells of a picture, at most, in either direction
CELLS = 30  # so many numbers can be written into a picture
POINTS = 400  # of a curve
PLAIN = {  # whatever the notebook has set
    "text.usetex": False,
    "font.family": "sans-serif",
    "font.size": 8.0,
    "axes.titlesize": 8.0,
    "savefig.dpi": DPI,
    "savefig.bbox": None,
    "savefig.transparent": False,
    "figure.constrained_layout.use": False,
    "figure.autolayout": False,
}


class Drawing(NamedTuple):
    """A picture as PNG (empty: it could not be drawn), and what is to be seen in it."""

    png: bytes
    words: str


class Picture:
    """The fixture `picture`: what a check would show where it fails, the last of what it names."""

    def __init__(self) -> None:
        self._last: Any = None

    def compare(self, *, yours: Any, expected: Any, name: str) -> None:
        """A matrix or a vector beside what it should be, and the difference."""
        self._last = Comparison, (yours, expected, name)

    def curve(
        self, *, yours: Any, reference: Any = None, floor: float | None = None, name: str
    ) -> None:
        """A history of losses beside the reference's and the smallest that is possible."""
        self._last = Curve, (yours, reference, floor, name)

    def drawn(self) -> Drawing | None:
        """The picture; None where nothing was named, or nothing of it can be shown."""
        if self._last is None:
            return None
        kind, parts = self._last
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return kind(*parts).drawn()
            except Exception:  # a picture is never the reason why a check says nothing
                return None


def table_of(value: Any) -> torch.Tensor:
    """A matrix, or a vector as one row, in float64; ValueError where a value is neither."""
    if isinstance(value, list | tuple):
        value = torch.as_tensor(value)
    usable = isinstance(value, torch.Tensor) and value.ndim in (1, 2) and value.numel() > 0
    if not usable or value.is_complex():
        raise ValueError("neither a matrix nor a vector")
    numbers = value.detach().to("cpu", torch.float64)
    return numbers if numbers.ndim == 2 else numbers[None]


class Comparison:
    """What a function returned beside what was expected. Raises where that is no matrix."""

    def __init__(self, yours: Any, expected: Any, name: str) -> None:
        self.yours, self.expected, self.name = table_of(yours), table_of(expected), name
        same = self.yours.shape == self.expected.shape
        self.gap = self.yours - self.expected if same else None

    def drawn(self) -> Drawing:
        """The picture."""
        panels = {"expected": self.expected, "yours": self.yours}
        if self.gap is not None:
            panels["yours − expected"] = self.gap
        return Drawing(png_of(2.0, self.draw, panels), self.words())

    def draw(self, figure: Any, panels: dict[str, torch.Tensor]) -> None:
        limit = largest(coarse(self.expected)) or 1.0
        limit = min(max(limit, largest(coarse(self.yours))), 4 * limit)  # one scale, not washed out
        figure.suptitle(title_of(self.name), y=0.98, parse_math=False)
        for place, (title, values) in enumerate(panels.items()):
            axes = figure.add_axes((0.01 + 0.335 * place, 0.03, 0.31, 0.72))
            axes.set_title(title, pad=3)
            axes.set(xticks=[], yticks=[], facecolor="#999999")  # grey: no number
            wide = values.shape[0] * 4 < values.shape[1] or values.shape[1] * 4 < values.shape[0]
            cells, aspect = coarse(values), "auto" if wide else "equal"
            colours = {"cmap": SIGNED, "vmin": -limit, "vmax": limit}
            axes.imshow(cells, interpolation="nearest", aspect=aspect, **colours)
            if values.numel() <= CELLS:
                write_numbers(axes, values, limit)

    def words(self) -> str:
        shapes = f"yours has shape {shape(self.yours)}, expected {shape(self.expected)}"
        head = f"{self.name}, in colours, red positive: expected, yours"
        if self.gap is None:
            return f"{head}; {shapes}."
        bad = int((~torch.isfinite(self.yours)).sum())
        if bad:
            all_of_them = f"{bad} of {self.yours.numel()} entries of yours"
            return f"{head} and the difference. {all_of_them} are NaN or infinite, shown grey."
        place = int(self.gap.abs().argmax())
        row, column = divmod(place, self.gap.shape[1])
        where = f"row {row}, column {column}" if self.gap.shape[0] > 1 else f"element {column}"
        values = f"yours {self.yours[row, column]:.4g}, expected {self.expected[row, column]:.4g}"
        return f"{head} and the difference. They differ most in {where}: {values}."


def title_of(name: str) -> str:
    return textwrap.shorten(name, 66, placeholder=" ...")


def coarse(values: torch.Tensor) -> torch.Tensor:
    """A matrix in not more cells than a small picture can show, each the mean of what it covers."""
    size = tuple(min(length, SIDE) for length in values.shape)
    return torch.nn.functional.adaptive_avg_pool2d(values[None], size)[0]


def largest(values: torch.Tensor) -> float:
    """The largest finite size of a number."""
    finite = values[torch.isfinite(values)]
    return float(finite.abs().max()) if finite.numel() else 0.0


def shape(values: torch.Tensor) -> str:
    return "×".join(map(str, values.shape))


def write_numbers(axes: Any, values: torch.Tensor, limit: float) -> None:
    for row, numbers in enumerate(values.tolist()):
        for column, number in enumerate(numbers):
            dark = abs(number) >= 0.6 * limit and math.isfinite(number)
            settings = {"ha": "center", "va": "center", "size": 7}
            settings["color"] = "white" if dark else "black"
            axes.text(column, row, short(number, limit), **settings)


def short(number: float, limit: float) -> str:
    """A number in a few characters, those that tell on a scale that ends at `limit`."""
    if not math.isfinite(number) or abs(number) >= 1000:
        return f"{number:.0e}"
    power = math.floor(math.log10(limit))
    decimals = max(0, 2 - power if power >= 0 else 1 - power)
    text = f"{number:.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if decimals else text
    return "0" if text == "-0" else text


class Curve:
    """A history of losses on the reference's and on the smallest that is possible."""

    def __init__(self, yours: Any, reference: Any, floor: float | None, name: str) -> None:
        self.yours, self.reference = losses(yours), losses(reference)
        self.floor, self.name = floor, name

    def drawn(self) -> Drawing | None:
        """The picture; None where yours is no history, or nothing has a logarithm."""
        if not self.yours or not any(map(visible, [*self.yours, *self.reference])):
            return None
        return Drawing(png_of(2.4, self.draw, None), self.words())

    def draw(self, figure: Any, _: None) -> None:
        axes = figure.add_axes((0.11, 0.19, 0.6, 0.68))
        axes.set(yscale="log", xlabel="iteration")
        axes.set_title(title_of(self.name), parse_math=False)
        axes.minorticks_off()
        shown = [value for value in (self.yours[0], *self.reference) if visible(value)]
        ceiling = 1e6 * max(shown, default=1.0)  # what diverges would leave no room for the rest
        ends = []
        for label, values, colour, dashes in (
            ("the reference", self.reference, COLOURS[1], "--"),
            ("yours", self.yours, COLOURS[0], "-"),
        ):
            seen = [
                (place, min(value, ceiling)) for place, value in enumerate(values) if visible(value)
            ]
            seen = seen[:: max(1, len(seen) // POINTS)] + seen[-1:]
            if seen:
                marker = "o" if len(seen) < 12 else None
                axes.plot(*zip(*seen, strict=True), dashes, color=colour, marker=marker, ms=3)
                ends.append((seen[-1][1], label, colour))
        if self.floor is not None and visible(self.floor):
            axes.axhline(self.floor, color="black", linestyle=":", linewidth=1.2)
            ends.append((self.floor, "the smallest possible", "black"))
        write_ticks(axes)
        write_labels(axes, ends)

    def words(self) -> str:
        parts = [f"{self.name}, with a logarithmic axis: yours {course_of(self.yours)}"]
        if self.reference:
            parts.append(f"the reference {course_of(self.reference)}")
        if self.floor is not None:
            parts.append(f"the smallest possible is {self.floor:.3g}")
        return "; ".join(parts) + "."


def losses(history: Any) -> list[float]:
    """A history as floats; none where it is anything else."""
    if isinstance(history, torch.Tensor):
        history = history.detach().flatten().tolist()
    if not isinstance(history, Sequence) or isinstance(history, str):
        return []
    try:
        return [float(item.detach() if hasattr(item, "detach") else item) for item in history]
    except (TypeError, ValueError, RuntimeError):
        return []


def visible(value: float) -> bool:
    """Whether a value has a place on a logarithmic axis."""
    return math.isfinite(value) and value > 0


def course_of(values: list[float]) -> str:
    bad = [place for place, value in enumerate(values) if not math.isfinite(value)]
    if bad:
        return f"begins with {values[0]:.3g} and is no number from iteration {bad[0]} on"
    return f"goes from {values[0]:.3g} to {values[-1]:.3g} in {len(values)} values"


def write_ticks(axes: Any) -> None:
    """Whole iterations; three numbers where powers of ten are too far apart to tell anything."""
    axes.xaxis.get_major_locator().set_params(integer=True)
    low, high = axes.get_ylim()
    if high < 100 * low:
        ticks = numpy.geomspace(low, high, 5)[1:-1]
        axes.set_yticks(ticks, [f"{tick:.2g}" for tick in ticks])


def write_labels(axes: Any, ends: list[tuple[float, str, str]]) -> None:
    """Names at the right of what they name, one above the other where they would overlap."""
    low, high = (math.log(value) for value in axes.get_ylim())
    least = 0.0
    for value, label, colour in sorted(ends):
        height = max(least, (math.log(value) - low) / ((high - low) or 1.0))
        axes.text(1.02, height, label, transform=axes.transAxes, va="center", color=colour)
        least = height + 0.12


def png_of(height: float, draw: Any, parts: Any) -> bytes:
    """A small figure as PNG, whatever style and backend the notebook uses."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image  # which matplotlib brings along

    with matplotlib.rc_context(PLAIN):
        figure = Figure(figsize=(5.6, height), dpi=DPI, facecolor="white")
        canvas = FigureCanvasAgg(figure)
        draw(figure, parts)
        canvas.draw()
    file = io.BytesIO()
    picture = Image.fromarray(numpy.asarray(canvas.buffer_rgba())[..., :3].copy())
    picture.quantize(64).save(file, "png", optimize=True)
    return file.getvalue()
