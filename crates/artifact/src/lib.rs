//! Placeholder header, replaced with the room's first commit.
