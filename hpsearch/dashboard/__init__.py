"""The live page of searches (extra ``dashboard``): pages that a stream of events keeps up to date."""
