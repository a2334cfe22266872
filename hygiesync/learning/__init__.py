"""Where networks are made, trained and exported: of the main road, the only package that imports torch."""
