"""The story that `make demo` tells: apply, watch Azure follow, break it, watch it heal, delete.

`story` is what happens, `look` what is seen, `damage` what is broken, `screen` how it is shown, and
`show` the frame around it. All is seen and done from outside: by kubectl, and through ARM.
"""
