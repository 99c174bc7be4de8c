"""Grading on arrival: what students hand in is graded as it comes, so many versions an hour."""
