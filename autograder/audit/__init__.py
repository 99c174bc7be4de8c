"""Grade the graders.

audit.py     every right answer, known mistake and mutant through the checks
mutants.py   small wrong changes of a solution
page.py      the figures and the confusion matrix, as a page
"""
