"""A staff folder to the students' side.

handout.py        handout.md and solution.py as notebooks
leaks.py          the guard that no line of the staff's reaches students
release.py        the students' side and nbgrader's source, laid whole
folder.py         does a staff folder hold together?
lesson.py         a lesson run from top to bottom, for the tests of its claims
new.py            a new assignment or a new course, from the files in skeleton/
public_check.py   the public checks on one's own machine
student_kit/      what every released folder brings along to check itself; it runs without the rest
"""
