"""What training shows of photos with boxes."""
