"""`python -m trialstack`."""

from trialstack.cli import main

main()
