"""Video networks, one architecture a file, and the published weights that they load. Knows no video file."""
