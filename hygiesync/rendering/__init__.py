"""From motion to pictures: retrieve real pixels, warp them, blend them in."""
