"""A talker made from a portrait and an embedded voice, whose true lips are known: for the demo and the tests."""
