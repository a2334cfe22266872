"""The painting mouth: a U-Net that paints a person's mouth in a given shape, beside the renderer of real pictures."""
