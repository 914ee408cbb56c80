"""This project beside what a user could take instead: same articles, same metrics, several seeds.

    python -m benchmarks.quality                      # everything that is not finished yet, then the table
    python -m benchmarks.quality --only crf           # one entrant
    python -m benchmarks.quality.curve                # scores over the share of the training articles

Every entrant × seed is one JSON file that is written when it is done; a finished one is passed over as long as neither its
settings nor the articles have changed.
"""
