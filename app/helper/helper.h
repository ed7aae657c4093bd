/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tandem-helper: a process beside the node that does for calls what must never run on the control thread: it asks web servers, and has
 * texts spoken. It has no privileges, ends with the node, and is started again when it dies (app/node/node_helper.h). Lines of JSON over
 * a socket pair:
 *
 *     {"ask":ID,"kind":NAME,"ms":DEADLINE,"args":{...}}  to it
 *     {"answer":ID,"result":{...}}                       from it, in any order
 *     {"answer":ID,"failed":TEXT}
 *
 * Each request has an answer, at its deadline at the latest. A kind of request is a row (helper.c). One thread.
 */
#ifndef APP_HELPER_HELPER_H
#define APP_HELPER_HELPER_H

#include <curl/curl.h>
#include <sys/types.h>

#include "app/helper/node_link.h"
#include "base/clock.h"

enum {
	HELPER_REQUESTS_MAX = 2048, /* at a time */
	HELPER_CHILDREN_MAX = 8,
};

struct helper;
struct helper_kind;

struct helper_request {
	uint64_t id; /* 0: free */
	uint64_t until_ns;
	const struct helper_kind *kind;
	void *work;    /* its kind's own */
	pid_t child;   /* 0: none */
	int child_end; /* a pidfd */
};

struct helper_kind {
	const char *name;
	/* It answers now, or later. */
	void (*begin)(struct helper *h, struct helper_request *r, const json_t *args);
	/* Its child has ended. NULL: it never has one. */
	void (*reaped)(struct helper *h, struct helper_request *r, int status);
	/* It is answered, or too late, and a child is killed: nothing is left of its work. */
	void (*end)(struct helper *h, struct helper_request *r);
};

struct helper {
	struct node_link link;
	CURLM *multi;
	uint32_t count, children;
	struct helper_request requests[HELPER_REQUESTS_MAX];
};

/* Either is the end of the request. */
void helper_answer(struct helper *h, struct helper_request *r, json_t *result); /* stolen */
void helper_fail(struct helper *h, struct helper_request *r, const char *why);
/* Runs a program, which ends with this process. in, out: its standard input and output; -1: none. 0; -EAGAIN: too many run; -errno. */
int helper_child(struct helper *h, struct helper_request *r, char *const argv[], int in, int out);

/* ---- http.c ---- */
extern const struct helper_kind g_helper_http;
/* Requests that have ended. */
void http_collect(struct helper *h);

/* ---- say.c ---- */
extern const struct helper_kind g_helper_say;

#endif
