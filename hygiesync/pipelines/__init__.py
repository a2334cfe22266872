"""Calls that make a file: render, say, animate."""
