"""The command `autograder`, and `python -m autograder`.

It is imported here and not at the top, so that whoever interrupts the command while it is loaded,
or while its options are read, is answered as whoever does so later.
"""

from __future__ import annotations

import sys


def main() -> None:
    """The command, from its first moment on."""
    try:
        from autograder.cli import main as command

        command()
    except KeyboardInterrupt:
        print("autograder: interrupted", file=sys.stderr)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
