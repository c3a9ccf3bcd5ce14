"""HTTPS, routing, api-versions, body checks, asynchronous operations, ETags, errors and throttling.
"""
