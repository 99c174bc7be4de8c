"""What is fast, and against what: each module here measures one thing in one run, and writes its
figures to results/.
"""
