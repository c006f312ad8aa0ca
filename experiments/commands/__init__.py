"""The commands of `colora`, a module for each group of them."""
