"""`make bench`: what grading costs, and what it would cost elsewhere."""

from benchmarks.speed import main

main()
