"""How near an avatar is to the real person: the parts of `hygiesync evaluate`."""
