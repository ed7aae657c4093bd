/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the XDP program and the workers share for packets that it forwards itself (docs/adr/0064).
 * Plain C types: the program has no libc. Fields marked "as it lies" are in network order, as in
 * frames; all others are in host order.
 */
#ifndef ENGINE_PORT_XDP_FORWARD_H
#define ENGINE_PORT_XDP_FORWARD_H

/* Names of the maps: libbpf finds them by these, and bpftool shows them. */
#define XDP_WHERE_MAP   "tandem_where"
#define XDP_FORWARD_MAP "tandem_forward"
#define XDP_FENCE_MAP   "tandem_fence"
#define XDP_CPUS_MAP    "tandem_cpus"

enum {
	XDP_FORWARD_VERSION = 3,   /* of all that is here; 0: nothing is forwarded */
	XDP_FORWARD_LINE = 64,     /* of the cache */
	XDP_FORWARD_WORKERS = 16,  /* powers of two: what the program reads is masked */
	XDP_FORWARD_PLACES = 32,   /* of shards: 1 + VALID_PLACES, and spare */
	XDP_FORWARD_JUMP = 3000,   /* so far ahead, or farther, a stream jumps */
	XDP_FORWARD_PORTS = 65536, /* of each address in tandem_where */
	XDP_WHERE_PORTS = 2,       /* of each value in it: values are of eight octets at least */
};

/* Value of tandem_where, for two ports of an address: number of the entry + 1; 0: no entry. */
struct xdp_where {
	unsigned int number[XDP_WHERE_PORTS];
};

/* The forwarding of one party's packets. Lines 0 and 1 are its worker's, written only while the
 * entry is disarmed and not busy. Line 2 is the program's while it is armed, and the worker's while
 * not; but `up` is always the program's. */
struct xdp_forward {
	/* line 0: the source's packets, and the constants of their sums */
	unsigned int armed;       /* 1: forwarded. The worker sets it, both clear it */
	unsigned int generation;  /* of the flow: its worker's */
	unsigned char from[16];   /* as it lies; IPv4 in the first 4 */
	unsigned short from_port; /* as it lies */
	unsigned char family;     /* 4, 6 */
	unsigned char payload_in;
	unsigned int ssrc_in;              /* as it lies */
	unsigned short length_max;         /* of IP, its head included */
	unsigned char worker;              /* of tandem_fence */
	unsigned char place;               /* of tandem_fence */
	unsigned int clock_mul, clock_div; /* units of the clock: ns * mul / div */
	unsigned int pseudo;               /* of addresses and protocol as they came, folded */
	unsigned int delta;    /* what the sum of UDP grows by, but for numbers and time; folded */
	unsigned int head;     /* of the new head of IPv4, but for length and identifier; folded */
	unsigned int ssrc_out; /* as it lies */
	unsigned int run;      /* so many times it was armed: its worker's */
	/* line 1: what they become */
	unsigned char macs[12];                    /* to, from */
	unsigned int ifindex;                      /* by which they leave */
	unsigned char out_from[16], out_to[16];    /* as they lie */
	unsigned short out_from_port, out_to_port; /* as they lie */
	unsigned char tos, hops, payload_out;
	unsigned char crosses;          /* 1: also what came by another interface */
	unsigned short sequence_offset; /* out = in + offset */
	unsigned short id;              /* of IPv4: the sequence number that left, and this */
	unsigned int timestamp_offset;
	/* line 2: what came of them */
	unsigned int busy;     /* so many CPUs are looking at it */
	unsigned int sequence; /* highest that came, with its cycles */
	unsigned long long packets;
	unsigned long long octets;       /* of UDP payload, that came and left */
	unsigned long long received_ns;  /* boot time of the last packet */
	unsigned long long jitter;       /* 16 times the estimate, in units of the clock */
	unsigned int transit;            /* of the last packet: arrival less timestamp */
	unsigned int timestamp;          /* that left last */
	unsigned long long timestamp_ns; /* when it left first */
	/* enum xdp_fate by which the program disarmed it; while armed, XDP_FATE_FRAME: the last
	 * one's sum looked half done */
	unsigned int why;
	unsigned int up; /* number of the party's last RTP packet that went up */
};

_Static_assert(__builtin_offsetof(struct xdp_forward, from) == 8, "line 0");
_Static_assert(__builtin_offsetof(struct xdp_forward, ssrc_in) == 28, "line 0");
_Static_assert(__builtin_offsetof(struct xdp_forward, ssrc_out) == 56, "line 0");
_Static_assert(__builtin_offsetof(struct xdp_forward, macs) == XDP_FORWARD_LINE, "line 1");
_Static_assert(__builtin_offsetof(struct xdp_forward, out_from) == XDP_FORWARD_LINE + 16, "line 1");
_Static_assert(__builtin_offsetof(struct xdp_forward, timestamp_offset) == 2 * XDP_FORWARD_LINE - 4,
	       "line 1");
_Static_assert(__builtin_offsetof(struct xdp_forward, busy) == 2 * XDP_FORWARD_LINE, "line 2");
_Static_assert(__builtin_offsetof(struct xdp_forward, timestamp_ns) == 3 * XDP_FORWARD_LINE - 16,
	       "line 2");
_Static_assert(sizeof(struct xdp_forward) == 3 * XDP_FORWARD_LINE, "whole lines");

/* The only value of tandem_fence: until when a shard may be forwarded for, by boot time in ns. */
struct xdp_fence {
	unsigned int version;             /* XDP_FORWARD_VERSION */
	unsigned int entry;               /* sizeof(struct xdp_forward) */
	unsigned long long present_until; /* of the process: then all media is dropped */
	/* Per worker: nothing of it is forwarded after that time. */
	unsigned long long alive_until[XDP_FORWARD_WORKERS];
	/* Per lease: nothing of it is forwarded after that time. */
	unsigned long long valid_until[XDP_FORWARD_PLACES];
};

/* What became of a packet that came to an address and port with an entry. */
enum xdp_fate {
	XDP_FATE_FORWARDED,
	/* it goes up, and the entry stays as it is */
	XDP_FATE_UNARMED,
	XDP_FATE_SOURCE, /* of another source: a forged packet switches nothing off */
	XDP_FATE_OTHER,  /* no RTP: RTCP, STUN, DTLS, keys */
	XDP_FATE_BROKEN, /* what IP itself refuses */
	/* it goes up, and all that follow: the stream is not what it was */
	XDP_FATE_FRAME, /* no or half a checksum, a tag, too long for the path, trailing octets */
	XDP_FATE_HEAD,  /* padding, extension, other sources */
	XDP_FATE_SSRC,
	XDP_FATE_PAYLOAD_TYPE,
	XDP_FATE_SEQUENCE, /* late, twice, or a jump */
	XDP_FATE_BEHIND,   /* an earlier packet is still on its way up */
	/* it is dropped */
	XDP_FATE_ENDED,  /* the lease is over */
	XDP_FATE_SILENT, /* no heartbeat of the process or the worker */
	XDP_FATES,
	XDP_FATES_ROOM = 16, /* a power of two: what the program counts is masked */
};

/* The only value of tandem_cpus, one for each CPU: its own. */
struct xdp_cpu {
	unsigned long long fates[XDP_FATES_ROOM]; /* so many packets, by enum xdp_fate */
	/* the clock, as it was read last, and by how many packets it is read (cpu_now) */
	unsigned long long now_ns, jiffy;
	unsigned int packets; /* in this jiffy */
	unsigned int step;    /* so many packets have the time of the one before them */
	unsigned int left;    /* of these */
	unsigned int reads;   /* of the clock, ever */
};

#endif
