"""`python -m deconvgen.cli`: the command line."""

from deconvgen.cli.main import main

main()
