"""What every application shares. Knows no application."""
