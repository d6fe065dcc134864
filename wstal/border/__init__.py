"""A stranger's file -> values, a file a format. Nothing else opens or parses what others wrote.

Whatever a file holds, reading it ends in values of the kind that was asked for or in a sentence (`UserError`), in memory that
`limits` bounds, and runs nothing. The border does not know what the values mean: that is for the rooms above.
"""
