"""Tables of where photos were taken."""
