"""The systemd units, with the hardening and privileges of docs/decisions/030-two-programs.md.

The agent talks to the network and has no rights; it is locked in as far as systemd can. The
guard starts scripts, mounts and units, whose processes would inherit any lock, so it has none
that an application could stumble over; it talks to nobody but the agent.
"""

from __future__ import annotations

GUARD = """\
[Unit]
Description=Guard of the HA cluster node: ends service when the lease ends
Documentation=https://hacluster.dev/docs/protocol
Before=hacluster-node.service
After=network.target
StartLimitIntervalSec=0

[Service]
Type=simple
ExecStartPre=/usr/bin/install -d -m 1770 -o root -g hacluster /run/hacluster
ExecStart=/usr/bin/hacluster-node guard
ExecStopPost=/usr/bin/hacluster-node fence
Restart=always
RestartSec=1
Delegate=yes
KillMode=control-group
OOMScoreAdjust=-1000
LimitMEMLOCK=infinity
LimitRTPRIO=1
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
UMask=0077

[Install]
WantedBy=multi-user.target
"""
# /run/hacluster is no RuntimeDirectory: at each start of the guard systemd would give all that is
# in it to root, and the agent could not replace its own socket; and it must be there before the
# agent starts.
# RestrictAddressFamilies is inherited by scripts: these families are all an application that a
# script starts may need. Applications started as units of their own inherit nothing.

AGENT = """\
[Unit]
Description=Agent of the HA cluster node: decides where failover groups run
Documentation=https://hacluster.dev/docs/protocol
Requires=hacluster-guard.service
After=hacluster-guard.service network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=simple
Environment=HACLUSTER_BOOT_ID=%b
ExecStart=/usr/bin/hacluster-node run
Restart=always
RestartSec=1
User=hacluster
Group=hacluster
StateDirectory=hacluster
StateDirectoryMode=0750
OOMScoreAdjust=-900
LimitMEMLOCK=infinity
AmbientCapabilities=CAP_NET_RAW
CapabilityBoundingSet=CAP_NET_RAW
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/run/hacluster
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
UMask=0077

[Install]
WantedBy=multi-user.target
"""
# The boot id is systemd's word: the settings below give the agent a /proc of its own, and in a
# container the kernel's file there is the host's, the same on every machine beside it.
# CAP_NET_RAW: pings from machines whose ping_group_range leaves the group out.

UNITS = {"hacluster-guard.service": GUARD, "hacluster-node.service": AGENT}
