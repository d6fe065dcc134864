"""The one exception that users see: a sentence that names the file and the cure."""


class UserError(Exception):
    """Bad input. The message is one sentence: what is wrong, in which file, and what to do about it.

    Command lines print the message alone and exit with status 1; no traceback reaches the user.
    """
