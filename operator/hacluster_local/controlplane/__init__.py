"""A real Kubernetes control plane, with certificates and RBAC: etcd and kube-apiserver.

`binaries` finds the programs or has `build` make them from source (`go.mod`, `go.sum`, `go.lock`
beside this file); `server` runs them; `access` makes identities and the kubeconfig files that carry
them. There are no controllers: no garbage collector, no namespace deletion, no pods.
"""
