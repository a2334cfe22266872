"""Where networks are made, taught and exported: of the main road, the only package that imports torch."""
