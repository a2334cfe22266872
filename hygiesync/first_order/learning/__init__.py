"""What learns: networks, losses, data and training of the First Order Motion Model, in torch."""
