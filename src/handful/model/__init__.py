"""The chosen candidate refitted on all data: predict, save, load."""
