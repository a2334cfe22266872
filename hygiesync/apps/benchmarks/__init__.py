"""How fast it is: the parts of `hygiesync bench`."""
