"""MAY THEY? Pure decisions over data that the catalog holds."""
