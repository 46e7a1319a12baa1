"""The names of the kinds of pictures, without what building them needs: a help page must not wait for it."""

KIND_NAMES = (
    "front", "growth", "history", "importance", "effect", "slice", "branches", "parallel", "contour",
    "sampling", "distribution", "curves", "timeline",
)  # fmt: skip
