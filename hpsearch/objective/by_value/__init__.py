"""Objectives by value: signed functions of a script or a notebook, for workers that do not have the file.

An objective is sent as a pickle, and unpickling runs code. So a worker unpickles only what is signed with the
secret that it shares with the script that started the search. The database is not trusted.
"""
