"""From sound to motion: the network, its training and its streaming use."""
