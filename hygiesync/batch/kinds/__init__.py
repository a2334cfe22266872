"""The kinds of jobs. A new one is a file with a `Kind` and a `Task`, and a line in `registry`."""
