"""What goes with what: learnt from confirmed orders."""
