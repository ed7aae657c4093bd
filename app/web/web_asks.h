/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions of record pages, from the web thread to the loop's, and their answers: two bounded rings. Each question has one answer, so there are
 * never more of these than the web thread has places. Neither thread waits for the other.
 */
#ifndef APP_WEB_WEB_ASKS_H
#define APP_WEB_WEB_ASKS_H

#include "app/web/web_page.h"

enum { WEB_ASKS_MAX = 64 };

struct web_asked {
	uint64_t id;
	struct web_page_ask ask;
};

struct web_answered {
	uint64_t id;
	bool found; /* else the link is good no longer */
	struct record_page page;
};

struct web_asks;
typedef void web_asked_fn(const struct web_asked *asked, void *arg);

/* ---- the loop's thread ---- */

/* Watches the ring. asked answers each, at once or later. 0 or -errno. */
int web_asks_open(struct web_asks **out, web_asked_fn *asked, void *arg) NODISCARD;
void web_asks_close(struct web_asks *a); /* the web thread is gone; NULL is fine */
void web_asks_answer(struct web_asks *a, const struct web_answered *answered);

/* ---- the web thread ---- */

/* Before its thread runs: wake makes it call web_asks_take, from the loop's thread. */
void web_asks_attach(struct web_asks *a, void (*wake)(void *arg), void *arg);
/* At most WEB_ASKS_MAX of them wait for their answer. */
void web_asks_ask(struct web_asks *a, const struct web_asked *asked);
bool web_asks_take(struct web_asks *a, struct web_answered *out);

#endif
