/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTCP of one stream to a recorder (RFC 3550, RFC 7866 8.1.1): what it is told of each source, so that it can line up both streams, and what
 * it says that it lost. SRTCP where the stream has a key. The sender's thread.
 */
#ifndef APP_SIPREC_SENDER_REPORT_H
#define APP_SIPREC_SENDER_REPORT_H

#include "app/siprec/sender_stream.h"
#include "base/clock.h"

/* One packet of the source was sent. */
void sender_source_note(struct sender_source *source, const struct tap_packet *p);

/* Compounds of SR or RR and SDES, where they are due. random: for the time of the next ones. How many were sent. There is no BYE at the end:
 * another process may go on with the same sources. */
uint32_t sender_report(struct sender_stream *s, uint64_t call, struct instant now, uint32_t random);

struct sender_heard {
	uint32_t reports, refused; /* compounds */
	uint64_t lost;             /* packets that they say did not come, since those before */
};
/* All that wait at its RTCP port. */
void sender_hear(struct sender_stream *s, struct sender_heard *out);

#endif
