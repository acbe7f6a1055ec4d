"""`python -m deconvgen.cli`, and the console command: the command line.

Signals are listened to before anything else is imported.
"""

from deconvgen.core import signals


def main() -> None:
    """See `deconvgen.cli.main.main`."""
    signals.listen()
    from deconvgen.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
