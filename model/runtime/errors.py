"""What goes wrong for reasons outside the program. Command lines print the message as one line and exit with 2."""


class DosilinkError(Exception):
    """A problem with what the user gave; the message says what and where, and what to do."""


class DataError(DosilinkError):
    """An annotation or input file that cannot be used."""


class ModelError(DosilinkError):
    """A model, checkpoint or encoder that is missing, damaged or does not fit."""


class ConfigError(DosilinkError):
    """A recipe that cannot be used."""


class WorkerError(DosilinkError):
    """A worker process that died or failed."""


class ArgumentError(DosilinkError, ValueError):
    """An argument of a call or of a command line outside of what it may be."""
