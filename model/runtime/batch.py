"""`python -m dosilink.batch`: articles in Parquet files in, their mentions and relations as Parquet out, on Ray Data.

Needs `pip install 'dosilink[ray]'`; nothing else of the package imports Ray.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .arguments import positive
from .errors import DosilinkError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code: 0, or 2 with one line on standard error for a user's error."""
    options = _parser().parse_args(arguments)
    try:
        from .distributed import Job, ray_session, run_job
    except ModuleNotFoundError as error:
        if error.name not in ("ray", "pyarrow"):
            raise
        print(f"error: {error.name} is not installed: pip install 'dosilink[ray]'", file=sys.stderr)
        return 2
    job = Job(
        input=options.input,
        output=options.output,
        model=options.model,
        id_column=options.id_column,
        text_column=options.text_column,
        workers=options.workers,
        batch_size=options.batch_size,
        rows_per_file=options.rows_per_file,
    )
    try:
        with ray_session(options.address, options.workers):
            done = run_job(job)
    except DosilinkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    bad = f", {done.errors:,} of them could not be read (see the column “error”)" if done.errors else ""
    print(f"{done.rows:,} articles{bad}: {job.output}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {__package__}.batch",
        description="Reads the articles in Parquet files with a pool of workers; one row out for each row in.",
        epilog="Interrupted, the same command goes on where it stopped.",
    )
    parser.add_argument("--input", required=True, help="file, folder or pattern; a path or a URL (s3://, gs://)")
    parser.add_argument("--output", required=True, help="folder to be made, or a URL; must not exist or be empty")
    parser.add_argument("--id-column", default="id", help="default: %(default)s")
    parser.add_argument("--text-column", default="text", help="default: %(default)s")
    parser.add_argument("--model", type=Path, help="exported model folder, the same on every machine; default: the packed one")
    parser.add_argument("--address", help="Ray cluster: auto (from one of its machines) or ray://…; default: this machine alone")
    parser.add_argument(
        "--workers", type=positive, help="processes, one core each; default: all cores here, as many as fit on a cluster"
    )
    parser.add_argument(
        "--batch-size", type=positive, default=256, help="articles a worker reads at a time; default: %(default)s"
    )
    parser.add_argument(
        "--rows-per-file", type=positive, default=20_000, help="rows collected before a file is written; default: %(default)s"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
