/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link of the node to a child process, for work that must never delay calls: a program in the
 * folder of tandemd, one kind a row of struct child_kind. Both ends have lines of JSON over a
 * socket pair, and some children get descriptors over a second one. What a child does not answer
 * fails by its deadline, or when the child dies; a child that dies is restarted, ever later. It
 * never blocks the node: lines wait in a bounded buffer, and a child that does not read for too
 * long is killed. README.md says what the children have in common, and what not.
 */
#ifndef APP_CHILD_CHILD_LINK_H
#define APP_CHILD_CHILD_LINK_H

#include <jansson.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/metric.h"

struct node;

enum {
	CHILD_LINE_MAX = 8 << 20, /* octets of a line, and of all that wait to be sent */
	CHILD_LINK = 3,           /* the descriptors of the child */
	CHILD_HANDS = 4,
};

/* ---- framing, of both ends ---- */

/* Lines that have come in part, or wait to be sent. Octets that leave are wiped: they may be
 * secrets. All zero: empty. */
struct child_lines {
	char *p;
	size_t n, cap;
};

/* Appends octets. 0, -ENOMEM, or -ENOBUFS: they would be more than CHILD_LINE_MAX. */
int child_lines_put(struct child_lines *b, const void *p, size_t n) NODISCARD;
/* Takes the next whole line; *line: the caller's, NULL where it is no JSON. False: there is
 * none. */
bool child_lines_next(struct child_lines *b, json_t **line);
void child_lines_clear(struct child_lines *b);

/* ---- the node's end; control thread ---- */

/* Up: 1 while it runs. Failed: of the asked ones those without a result. */
enum child_metric { CHILD_UP, CHILD_DEATHS, CHILD_ASKED, CHILD_FAILED, CHILD_WAITING };
enum { CHILD_METRICS = CHILD_WAITING + 1 };

/* result: borrowed; NULL: the request has failed, and why. */
typedef void child_answer_fn(struct node *n, const json_t *result, const char *why, void *arg);

struct child_kind {
	struct child *child; /* the one of this kind; NULL: its owner opens it */
	const char *program;
	const char *role;    /* its argument; NULL: none */
	const char *area;    /* of the log */
	const char *missing; /* logged once, where it cannot be started */
	const char *ended;   /* logged when it has died */
	const char *died;    /* why requests fail then */
	const char *late;    /* why one fails that has no answer in time */
	struct {
		const char *name, *help; /* NULL: it has none */
	} metrics[CHILD_METRICS];
	uint32_t requests_max;  /* without an answer, at a time */
	uint32_t of_tenant_max; /* once there are as many, no tenant may have more */
	bool whole_answers;     /* the result is the whole line, which may have errors of its own */
	bool hands;             /* it gets descriptors, too */
	/* It is restarted so long after its death; longer, the more often it dies. */
	uint64_t again_ns;
	bool (*stops)(const struct node *n); /* then its end is no death */
	bool (*wanted)(struct node *n);      /* it runs; NULL: from the first request on */
	void (*on_start)(struct node *n);    /* this and on_end may be NULL */
	void (*on_line)(struct node *n, const json_t *line); /* one that is no answer */
	void (*on_end)(struct node *n);
};

struct child {
	const struct child_kind *kind;
	struct node *node;
	metric_id metrics[CHILD_METRICS];
	int link;    /* -1: it does not run */
	int hands;   /* -1: it gets no descriptors */
	pid_t pid;   /* 0: none */
	bool wanted; /* it is started when it does not run; from the first request on */
	bool gone;   /* its link is closed, and it is not reaped yet */
	bool missing_logged;
	unsigned deaths; /* one after the other */
	uint64_t start_ns, again_ns;
	struct child_lines in, out;
	struct child_request {
		uint64_t id; /* 0: free; its place is id modulo kind->requests_max */
		uint64_t until_ns;
		uint16_t tenant;
		child_answer_fn *done;
		void *arg;
	} * requests; /* NULL: none yet */
	uint32_t request_count;
	uint64_t last_id;
};

/* Registers the metrics of its kind; main thread, once. It is not started yet. */
void child_open(struct child *c, struct node *n, const struct child_kind *kind);
static inline bool child_runs(const struct child *c)
{
	return c->link >= 0;
}
/* Twice a second: restarts it where it is wanted, and fails requests that are late. */
void child_beat(struct child *c, uint64_t now_ns);
/* Sends it, or as much as goes; the rest later. line: stolen; lost where the child does not run. */
void child_send(struct child *c, json_t *line);
/* Starts it if need be, and sends an object, with its id as "ask" (stolen; NULL: out of memory).
 * done is called once, by then or at the next beat at the latest; before this returns if the child
 * has just died. False: done is not called: too many requests, or the child does not run. */
bool child_query(struct child *c, json_t *request, uint16_t tenant, uint64_t until_ns,
		 child_answer_fn *done, void *arg) NODISCARD;
/* It ends when its peer closes. */
void child_close(struct child *c);

/* ---- the child's end; its main thread ---- */

struct child_peer {
	int fd; /* -1: the node is gone */
	struct child_lines in;
};

/* For main: answers --version, refuses to run where the node has not started it, with its usage;
 * else drops rights and core dumps, closes descriptors that are not its own, and ends with the
 * node. role: the argument that it may have; NULL: none. Returns the exit status; -1: go on. */
int child_main_start(int argc, char **argv, const char *name, const char *role, const char *usage);
/* Whether the node hands it descriptors: at CHILD_HANDS. */
bool child_has_hands(void);
/* Reads what has come. False: the node is gone. */
bool child_peer_read(struct child_peer *l, void (*on_line)(const json_t *line, void *arg),
		     void *arg) NODISCARD;
void child_peer_send(const struct child_peer *l, json_t *line); /* stolen */
void child_peer_close(struct child_peer *l);

#endif
