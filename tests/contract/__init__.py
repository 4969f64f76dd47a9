"""Django's own tests of its tasks API, run against djtasks: `make django-suite`."""
