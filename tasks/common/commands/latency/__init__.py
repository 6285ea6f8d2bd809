"""How long a network takes on this machine, in each form that it has."""
