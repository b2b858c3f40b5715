"""IS IT ADMITTED? The one path by which a manifest becomes visible."""
