"""nbgrader: release, gradebook, feedback and formgrader on what the engine graded.

settings.py   what nbgrader_config.py hands to nbgrader
commands.py   every run of nbgrader
bridge.py     the classes that nbgrader loads: submissions rebuilt as text, points from the sandbox
"""

from __future__ import annotations

import sys

# jsonschema loads a grammar of internationalised addresses where there is one, which takes longer
# than all of nbgrader. No notebook's schema asks for such addresses.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
