"""Engines that others trained, each in a folder, an environment and a process of its own."""
