"""Claims a schema version that nbgrader does not know, which would abort the class after it."""
# %% {"nbgrader": {"grade": true, "grade_id": ["check"], "points": "NaN", "solution": 7, "schema_version": 99, "cell_type": {}}}
8
# %% {"nbgrader": 5}
8
