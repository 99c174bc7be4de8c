"""nbgrader: release, gradebook, feedback and formgrader on what the engine graded.

settings.py   what nbgrader_config.py hands to nbgrader
commands.py   every run of nbgrader
bridge.py     the classes that nbgrader loads: submissions rebuilt as text, points from the sandbox
"""
