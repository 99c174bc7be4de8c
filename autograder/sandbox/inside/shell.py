"""IPython's shell for notebooks that were handed in: what would leave the box, ask a person or run
for long is inert.
"""

from __future__ import annotations

import functools
import types

NO_SHELL = "shell commands do not run while grading"
INERT_LINES = ("pip", "conda", "mamba", "micromamba", "uv", "sx", "system", "load", "edit")
INERT_CELLS = ("bash", "sh", "script", "sx", "system", "capture_shell", "perl", "ruby")
BROWSERS = ("javascript", "js", "html", "svg", "latex", "markdown")
TIMERS = ("timeit", "prun", "lprun", "mprun", "memit")  # run the code once: nobody reads the time
TIMER_OPTIONS = "n:r:tcp:qov:l:s:T:D:f:m:i:"
TIMING = {"average": 1e-3, "best": 1e-3, "worst": 1e-3, "stdev": 0.0, "loops": 1, "repeat": 1}


@functools.cache
def shell():
    """The shell, made once in the zygote; forks use their own copy of it."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class GradingShell(InteractiveShell):
        runner = None  # the CellRunner that uses it

        def enable_gui(self, gui=None):
            pass

        def enable_matplotlib(self, gui=None):
            return None, "agg"

        def system(self, command):
            print(NO_SHELL)

        system_raw = system_piped = system

        def getoutput(self, command, split=True, depth=0):
            self.system(command)
            return []

        def _showtraceback(self, etype, evalue, stb):
            pass

    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    made = GradingShell(config=config)
    register(made)
    return made


def register(made) -> None:
    """Replace the magics that have no place here."""

    def inert(line: str, cell: str | None = None) -> None:
        print(NO_SHELL)

    def shown(line: str, cell: str | None = None) -> None:
        """What a browser would show."""

    def timed(line: str, cell: str | None = None):
        _, statement = options_and_code(made, line)
        if cell is None:
            made.runner.run_once(statement)
        else:
            made.runner.run_once(cell, setup=statement)
        numbers = [TIMING["average"]]
        return types.SimpleNamespace(**TIMING, all_runs=numbers, timings=numbers)

    def time(line: str, cell: str | None = None):
        if cell is None:
            code = made.transform_cell(line)
            try:
                return eval(compile(code, made.runner.name, "eval"), made.user_ns)
            except SyntaxError:
                exec(compile(code, made.runner.name, "exec"), made.user_ns)
                return None
        made.runner.run_cell(cell, 1)

    def capture(line: str, cell: str = "") -> None:
        from IPython.utils.capture import capture_output

        words = [word for word in line.split() if not word.startswith("-")]
        with capture_output() as captured:
            made.runner.run_cell(cell, 1)
        if words:
            made.user_ns[words[0]] = captured

    for name in INERT_LINES:
        made.register_magic_function(inert, "line", name)
    for name in INERT_CELLS:
        made.register_magic_function(inert, "cell", name)
    for name in BROWSERS:
        made.register_magic_function(shown, "cell", name)
    for name in TIMERS:
        made.register_magic_function(timed, "line_cell", name)
    made.register_magic_function(time, "line_cell", "time")
    made.register_magic_function(capture, "cell", "capture")


def options_and_code(made, line: str):
    """A timing magic's options, and the code that follows them."""
    magics = made.magics_manager.registry["ExecutionMagics"]
    try:
        return magics.parse_options(
            line, TIMER_OPTIONS, posix=False, strict=False, preserve_non_opts=True
        )
    except Exception:  # an option that it does not know
        return {}, line
