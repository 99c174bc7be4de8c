"""Everything that runs behind the line. It imports nothing else of the kit.

    zygote.py       warm: torch, numpy, IPython and pyplot loaded; nothing secret, no student code
    supervisor.py   └─ pid 1 of the box's own namespaces: limits, watches, kills; no student code
    loader.py          └─ runs the submission's top level once, then waits
    statements.py      │  statement by statement; shell.py: IPython's shell for cells;
    wording.py         │  what a syntax error means
    call.py            └─ function calls, each on the state that the top level left
    traces.py             whether one left anything behind; if so, its process ends

    walls.py        the namespaces, mounts, filters and limits that they put around what they start
    meter.py        CPU time and memory, read from outside the processes that use them
    frames.py       how they speak with each other and with the grader

The files split where the trust does: from loader.py on, nothing is believed that is said. The
grader packs this folder into a zip archive and starts `zygote.main` from it, inside bubblewrap. A
box talks to the grader over a stream socket of its own, in frames (frames.py). One request is
answered by one reply:

    {"op": "load", "units": [{"kind": "statements" | "cell", "source": "..."}], "names": ["..."]}
        -> {"outcome": "loaded", "functions": {name: {parameter: default}}, "errors": [...]}
         | {"outcome": "unreadable", "message": "line 3: invalid syntax"}    it is not Python
    {"op": "call", "function": "...", "arguments": tree, "options": tree, "seed": 7,
    "differentiate": false, "times": 1, "apart": false, "draw": "", "start": []}
        -> {"outcome": "returned", "value": tree, "arguments": tree}    and the tensors in them
         | {"outcome": "raised", "message": "..."}    or "missing", "timed_out", "out_of_memory",
                                                      "output_limit", "died"

A *tree* is JSON: a scalar; {"tensor": key}; {"items": [...], "type": "tuple" | "list"}; {"floats":
key} for a long list of numbers; {"function": "sin"} for a torch function (arguments only);
{"other": "type name"} (results only).

What a submission can reach is its own loader and calls. The supervisor is not dumpable, ignores
signals (as the first process of its PID namespace), shares no descriptor with them but two pipes,
and believes nothing they write: CPU time, wall time, output and reply sizes are its own readings.
"""
