"""The blob stores of the simulated Azure: Azurite, Microsoft's own emulator of Azure Storage.

`install` brings it from its npm package, pinned by `package-lock.json` beside this file, and
Node.js where the machine has none (`node.lock`); azuresim runs one for each storage account.
"""
