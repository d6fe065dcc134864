"""Features and video-level labels -> bags: all that training sees of a dataset. Knows no segment time and no method."""
