"""An avatar as a folder of static files that speaks wholly in a browser."""
