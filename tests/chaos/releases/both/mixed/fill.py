"""`python -m mixed.fill NAME`: enqueue tasks of all kinds with the djtasks of this process."""

import importlib
import sys

import django

django.setup()
importlib.import_module("mixed.tasks").fill(sys.argv[1])
