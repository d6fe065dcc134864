"""What people run: the command line, notebooks as stages, one's own videos, `wstal check`. No room knows it."""
