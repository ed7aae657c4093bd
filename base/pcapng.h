/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of captured UDP payloads in the pcapng format (draft-ietf-opsawg-pcapng). IP and UDP heads
 * are made here, so that other programs read the packets as if captured from a network. Big-endian,
 * in whole blocks: a file that ends early is readable up to its last block. Pure.
 */
#ifndef BASE_PCAPNG_H
#define BASE_PCAPNG_H

#include "base/addr.h"

enum {
	PCAPNG_TEXT_MAX = 200,      /* octets of each text, at most */
	PCAPNG_PAYLOAD_MAX = 65487, /* what fits into IPv6 and UDP; longer ones are cut */
	PCAPNG_BLOCK_ROOM = 512,    /* octets of any block beside the payload */
};

enum pcapng_direction { PCAPNG_UNKNOWN, PCAPNG_INBOUND, PCAPNG_OUTBOUND };

struct pcapng_packet {
	uint64_t utc_ns;
	/* If the two families differ, from is written as no address. */
	const struct addr *from, *to;
	struct bytes payload;
	enum pcapng_direction direction;
	uint64_t lost;       /* packets missing before this one */
	const char *comment; /* NULL: no comment */
};

struct pcapng_counts {
	uint64_t utc_ns;
	uint64_t received, lost;
};

/* The first blocks of a file. */
void pcapng_header_write(struct writer *w, const char *application, const char *comment);
void pcapng_packet(struct writer *w, const struct pcapng_packet *p);
/* The last block: whether packets are missing. */
void pcapng_counts(struct writer *w, const struct pcapng_counts *c);

#endif
