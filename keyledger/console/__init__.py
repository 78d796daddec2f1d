"""The console: pages of the same app below /console, made on the server, for people.

A page asks the API in this process, as the person's session allows, so what the API checks, confines and records holds
here too.
"""
