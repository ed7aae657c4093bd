/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this node asks others by Redis: commands that came over HTTP for what another node has, and
 * lists of the whole cluster. One stream of answers for all of them, as of any client of the
 * control API; a question that waits for its answer is a ticket, with a deadline. An answer wakes
 * who waits for it. Control thread.
 */
#ifndef APP_COMMAND_OTHERS_H
#define APP_COMMAND_OTHERS_H

#include "base/bytes.h"
#include "base/ticket.h"

struct node;
struct redis_place;
struct others;

enum { OTHERS_KEY_MAX = 160, OTHERS_WORDS = 14 };

/* In the memory of who asks, until done was called or it was forgotten. */
struct others_ticket {
	struct others_ticket *next;
	struct ticket late; /* of one that is not held */
	struct others *of;  /* NULL: it does not wait */
	const char *id;     /* of the command; borrowed */
	bool sealed;        /* the answer comes by the stream of sealed ones */
	/* What it asks is not known to be in Redis: until others_release it is not answered, nor
	 * late. */
	bool held;
	uint64_t until_ns;
	/* The ticket waits no more. answer: JSON, or sealed; .p NULL: none came in time, or the
	 * node stops. */
	void (*done)(struct others_ticket *t, struct bytes answer);
};

/* A command as an entry of a stream; texts are borrowed. */
struct others_question {
	const char *id, *command;
	const char *args;  /* JSON, or sealed */
	const char *print; /* of the arguments of a sealed one; else NULL */
	const char *ttl_ms;
};

/* place: the node's Redis, on a link of its own, since reading waits. 0 or -errno. */
int others_open(struct others **out, struct node *node, const struct redis_place *place) NODISCARD;
/* NULL is fine for these four. */
void others_close(struct others *o);
void others_flush(struct others *o); /* asks for answers, at the end of a round */
void others_expire(struct others *o, uint64_t now_ns);
uint64_t others_next_ns(const struct others *o);

/* Key of operators' commands: "in"; "out:", "done:" or "count:" with a name; or of sealed ones. */
void others_key(const struct node *n, bool sealed, const char *kind, const char *name,
		char key[OTHERS_KEY_MAX]);
/* The fields of the entry. Returns their count. */
size_t others_words(const struct others *o, const struct others_question *q,
		    struct bytes out[OTHERS_WORDS]);
/* It waits from now on; id, sealed, held, until_ns and done are set. */
void others_await(struct others *o, struct others_ticket *t);
/* Adds it to the operators' stream, and waits. False: Redis is away, and it does not wait. */
bool others_request(struct others *o, struct others_ticket *t,
		    const struct others_question *q) NODISCARD;
/* Redis has it, if it was held. */
void others_release(struct others_ticket *t);
/* It waits no more, and done is not called. */
void others_forget(struct others_ticket *t);

#endif
