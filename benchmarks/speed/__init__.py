"""How fast this project reads beside what a user could take instead: one run, the same articles, the same weights.

    python -m benchmarks.speed                        # all entrants on one thread and on two, the table
    python -m benchmarks.speed --threads 1 --only ours-int8 --only huggingface

Every entrant is a process of its own, loaded once; they take turns, so that one computes at a time and a slow minute of the
machine meets all of them.
"""
