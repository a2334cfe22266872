"""All that is known of one person: the bundle on disk, and how it is built from a video."""
