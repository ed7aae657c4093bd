/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An external recorder (RFC 7866) in stories that have one: it takes each session, and says 200 again until it is acknowledged. What must hold
 * (docs/adr/0045-an-external-recorder.md): whatever befalls the node the recorder hears the call soon again, and a session ends with its call
 * but where a kill took what there was to know of it.
 */
#ifndef TESTS_SIM_SRS_H
#define TESTS_SIM_SRS_H

#include "base/addr.h"
#include "base/bytes.h"

struct sim;

enum { SRS_SESSIONS_MAX = 16, SRS_CALL_ID_MAX = 128, SRS_STREAMS = 2 };

struct srs_session {
	char call_id[SRS_CALL_ID_MAX];
	uint64_t call;
	uint32_t cseq; /* of the last INVITE, */
	bool acked;    /* and whether its ACK came */
	bool over;
	bool sends[SRS_STREAMS]; /* what the node said of each */
	struct addr node;        /* where its last request came from */
	struct text ok;          /* to the last INVITE */
};

struct srs {
	struct srs_session list[SRS_SESSIONS_MAX];
	uint32_t count;
};

/* Where it is. */
struct addr srs_place(void);
bool srs_is_there(const struct sim *s, const struct addr *to);
void srs_receive(struct sim *s, const struct addr *from, struct bytes message);
/* Sessions that it has, and in which it hears both parties. */
uint32_t srs_count(const struct sim *s);
/* The story is over. */
void srs_check_end(struct sim *s);
void srs_close(struct sim *s);

#endif
