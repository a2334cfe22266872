"""How the painting mouth is learnt; with `learning` and `first_order.learning`, the only place that knows torch."""
