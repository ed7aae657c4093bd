/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where recorders are: at addresses, or at names that are looked up (RFC 3263). A round tries each place at most once, in the order of the
 * settings, and within a name in the order of its records; those that failed a moment ago come last.
 */
#ifndef SIG_CALL_SIPREC_PLACE_H
#define SIG_CALL_SIPREC_PLACE_H

#include "sig/host/asked.h"
#include "sig/model/call.h"
#include "sig/model/siprec.h"

enum siprec_found {
	SIPREC_FOUND,
	SIPREC_RESOLVES, /* a name is looked up, until retry_ns at most */
	SIPREC_NOWHERE,  /* no name leads anywhere */
};

/* The place that is asked next: s->place. */
enum siprec_found siprec_find(struct call_host *h, const struct call *c, struct siprec *s);
/* What a name leads to. False: the session waits for no such thing. */
bool siprec_find_told(struct call_host *h, struct siprec *s, const struct lookup_news *news);
/* Nobody waits for it any more. */
void siprec_find_stop(struct call_host *h, const struct call *c, struct siprec *s);
/* Where it was did not take it: the next one comes next. True: that one was not asked yet in this round. */
bool siprec_next_place(const struct call_host *h, struct siprec *s) NODISCARD;
/* Another one may take what this one does not. */
bool siprec_has_others(const struct siprec *s);
/* What was found may not hold any more: the next one is looked up anew. */
void siprec_find_anew(const struct call_host *h, struct siprec *s);

#endif
