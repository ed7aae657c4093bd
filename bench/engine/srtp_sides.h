/* SPDX-License-Identifier: Apache-2.0 */
/* Who protects and takes the packets of bench/engine/srtp.c: each has both sides of all streams. */
#ifndef BENCH_ENGINE_SRTP_SIDES_H
#define BENCH_ENGINE_SRTP_SIDES_H

#include <srtp2/srtp.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/net/packet.h"
#include "engine/srtp/srtp.h"
#include "media/crypto.h"

enum {
	SRTP_RTP_LEN = 172,
	SRTP_RTP_HEAD = 12,
	SRTP_ROOM = 256,
};

/* Ours, ours without ipsec-mb, libsrtp2, and ipsec-mb's transforms alone. */
enum srtp_who { OURS, PORTABLE, THEIRS, RAW, WHO };

struct srtp_streams {
	uint32_t count;
	enum media_suite suite;
};

struct srtp_packets {
	uint8_t octets[BATCH_MAX][SRTP_ROOM];
	uint32_t stream[BATCH_MAX];
	uint32_t length[BATCH_MAX]; /* 0: it was refused */
};

struct srtp_side {
	struct srtp_stream **ours_out, **ours_in;
	srtp_t *theirs_out, *theirs_in;
	uint8_t *raw; /* as many out, then in */
	size_t raw_size;
};

/* Says why on stderr, and ends the process with status 1. */
_Noreturn static inline void srtp_fail(const char *what)
{
	(void)fprintf(stderr, "srtp: %s\n", what);
	exit(1);
}

/* Zeroed memory. */
static inline void *srtp_table(uint32_t count, size_t size)
{
	void *t = calloc(count, size);

	if (!t)
		srtp_fail("no memory");
	return t;
}

/* False: this build or CPU has none of this. */
bool srtp_side_open(struct srtp_side *s, enum srtp_who who, const struct srtp_streams *o);
/* Protects all packets, or takes them. */
void srtp_side_run(struct srtp_side *s, enum srtp_who who, const struct srtp_streams *o,
		   struct srtp_packets *p, bool protects);

#endif
