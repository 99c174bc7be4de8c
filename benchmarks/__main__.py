"""`make bench`: every benchmark in turn."""

from benchmarks import limits, overhead

for benchmark in (overhead, limits):
    benchmark.main()
