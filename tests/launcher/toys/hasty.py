"""The launcher, unchanged but for hardly a pause between its requests to the API: thousands of answers in a test."""

import sys

from mooring_launcher.__main__ import main
from mooring_launcher.cluster import watch

watch._BACKOFF_FIRST_S = watch._BACKOFF_CAP_S = 0.0005
sys.exit(main(sys.argv[1:]))
