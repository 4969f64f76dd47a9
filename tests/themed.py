"""Settings of the test project whose admin wears a theme, named by DJTASKS_TEST_THEME."""

import os

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, MIDDLEWARE

THEME = os.environ["DJTASKS_TEST_THEME"]
INSTALLED_APPS = [THEME, *INSTALLED_APPS]
# Themes write scripts and styles into their pages.
MIDDLEWARE = [one for one in MIDDLEWARE if one != "tests.policy.strict_policy"]
