"""Holds the same graded cell many times over, with more points each time."""
# %% {"nbgrader": {"grade": true, "grade_id": "check_sgd_factorise", "points": 8, "solution": false, "schema_version": 3}}
8
# %% {"nbgrader": {"grade": true, "grade_id": "check_sgd_factorise", "points": 800, "solution": true, "schema_version": 3}}
800
# %% {"nbgrader": {"grade": true, "grade_id": "check_sgd_factorise", "points": -8, "solution": false, "schema_version": 3}}
8
