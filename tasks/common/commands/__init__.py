"""What the tools do: train, score, predict, show, and the console around them."""
