"""Storage accounts as ARM knows them: the account, its keys, the blob service, its containers.

What is in the containers is no business of ARM's, and of nothing here.
"""
