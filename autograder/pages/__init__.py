"""What people look at in a browser: a student's feedback, the class, submissions that are alike.

Every page is one file that loads nothing: styles, pictures and the one script stand in it, and its
own policy forbids everything else. All text is escaped by Jinja; what a student wrote as Markdown
goes through `markup`, and nothing else of a submission is ever more than text.
"""
