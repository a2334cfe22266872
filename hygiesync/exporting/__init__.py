"""An avatar's lips for other runtimes, with a program that checks itself."""
