"""From YAML and the command line to settings that are checked."""
