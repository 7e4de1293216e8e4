"""What a kernel answers when it cannot do what it was asked."""

# A claim, by the first row that cannot be had.
OK = 0
BELOW_MIN_UNIT = 1
ABOVE_MAX_UNIT = 2
NOT_A_STEP = 3
NO_ROOM = 4
