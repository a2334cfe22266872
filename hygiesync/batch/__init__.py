"""Many renderings at once: a table of jobs, engines that do them side by side, and a manifest of what came of each."""
