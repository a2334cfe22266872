"""Work beside other work: reading ahead in a thread, and how many threads the libraries underneath may start."""
