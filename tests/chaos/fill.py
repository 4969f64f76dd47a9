"""`python -m tests.chaos.fill`: enqueue what the release on this process's path enqueues."""

import importlib

import django

django.setup()
importlib.import_module("stall.tasks").fill()
