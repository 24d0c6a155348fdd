"""Every night only what is new: the log in a state folder, so that one more as-of date reads what changed since the last.

A *row group* of the source is read once and kept as *stored rows*, whose ids and kinds are numbers; *sums* of the rows that
counted at the last as-of date are brought to the next one by the rows that came, went, or left a window. A *manifest* names
all files of the state, and is replaced last.
"""
