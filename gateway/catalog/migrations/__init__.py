"""The steps from one form of the tables to the next, forward only. Run by `gateway.catalog.upgrade`."""
